"""The audit of a file of labels, for people who write no Python."""

from noisylabel.audit._auditor import Audit, audit_labels, default_auditor, save_label_issues
from noisylabel.audit._data import AuditData, read_audit_folder, read_audit_table
from noisylabel.audit._report import write_audit_page

__all__ = [
    "Audit",
    "AuditData",
    "audit_labels",
    "default_auditor",
    "read_audit_folder",
    "read_audit_table",
    "save_label_issues",
    "write_audit_page",
]
