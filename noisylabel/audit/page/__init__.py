"""The page of an audit: to look at what was found, and to decide row by row."""

from noisylabel.audit.page._paths import Recorded, paths_to_record
from noisylabel.audit.page._write import write_audit_page

__all__ = ["Recorded", "paths_to_record", "write_audit_page"]
