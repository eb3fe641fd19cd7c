"""Files that an audit writes: its rows as a table, and in the forms that other programs import."""

from noisylabel.audit.output._save import FORMATS, check_format, save_label_issues

__all__ = ["FORMATS", "check_format", "save_label_issues"]
