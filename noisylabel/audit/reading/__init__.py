"""What an audit reads: tables and images, their columns and their labels."""

from noisylabel.audit.reading._data import PLACE_COLUMNS, RESULT_COLUMNS, AuditData
from noisylabel.audit.reading._images import read_audit_folder
from noisylabel.audit.reading._table import read_audit_table

__all__ = ["PLACE_COLUMNS", "RESULT_COLUMNS", "AuditData", "read_audit_folder", "read_audit_table"]
