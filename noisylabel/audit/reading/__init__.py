"""What an audit reads: tables and images, their columns and their labels."""

from noisylabel.audit.reading._data import OURS, PLACE_COLUMNS, RESULT_COLUMNS, AuditData, free_name, own_name
from noisylabel.audit.reading._embeddings import Embeddings
from noisylabel.audit.reading._images import read_audit_folder
from noisylabel.audit.reading._labels import RARE
from noisylabel.audit.reading._table import read_audit_table

__all__ = [
    "OURS",
    "PLACE_COLUMNS",
    "RARE",
    "RESULT_COLUMNS",
    "AuditData",
    "Embeddings",
    "free_name",
    "own_name",
    "read_audit_folder",
    "read_audit_table",
]
