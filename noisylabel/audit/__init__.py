"""The audit of a file of labels, for people who write no Python: which of its labels are probably wrong.

One part a step, in this order: ``reading`` (a table or a folder of images, its labels and its columns),
``_training`` (train on the labels as they are, then rank them), ``output`` (all rows as a file), ``page``
(what a person looks at); then ``_decisions`` and ``_apply``, what that person made of it. The command around them is
``noisylabel audit``.
"""

from noisylabel.audit._apply import apply_decisions
from noisylabel.audit._auditor import choose_epochs, default_auditor, quick_precision, times_as_long
from noisylabel.audit._decisions import (
    Decisions,
    decisions_on,
    read_decisions,
    with_decisions,
    wrong_labels_left,
)
from noisylabel.audit._training import Audit, audit_labels, noise_rate_interval
from noisylabel.audit.output import FORMATS, check_format, save_label_issues
from noisylabel.audit.page import Recorded, paths_to_record, write_audit_page
from noisylabel.audit.reading import AuditData, Embeddings, read_audit_folder, read_audit_table

__all__ = [
    "FORMATS",
    "Audit",
    "AuditData",
    "Decisions",
    "Embeddings",
    "Recorded",
    "apply_decisions",
    "audit_labels",
    "check_format",
    "choose_epochs",
    "decisions_on",
    "default_auditor",
    "noise_rate_interval",
    "paths_to_record",
    "quick_precision",
    "read_audit_folder",
    "read_audit_table",
    "read_decisions",
    "save_label_issues",
    "times_as_long",
    "with_decisions",
    "write_audit_page",
    "wrong_labels_left",
]
