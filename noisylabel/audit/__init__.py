"""The audit of a file of labels, for people who write no Python: which of its labels are probably wrong.

One part a step, in this order: ``reading`` (a table or a folder of images, its labels and its columns),
``_training`` (train on the labels as they are, then rank them), ``_table`` (all rows as CSV), ``page`` (the page).
The command around them is ``noisylabel audit``.
"""

from noisylabel.audit._table import save_label_issues
from noisylabel.audit._training import Audit, audit_labels, default_auditor, noise_rate_interval
from noisylabel.audit.page import write_audit_page
from noisylabel.audit.reading import AuditData, read_audit_folder, read_audit_table

__all__ = [
    "Audit",
    "AuditData",
    "audit_labels",
    "default_auditor",
    "noise_rate_interval",
    "read_audit_folder",
    "read_audit_table",
    "save_label_issues",
    "write_audit_page",
]
