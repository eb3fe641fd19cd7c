"""Any table as numbers to learn from: a scikit-learn transformer that decides by itself what each column holds."""

from noisylabel.preprocessing._encoder import TableEncoder
from noisylabel.preprocessing._kinds import KINDS, LEFT_OUT, ColumnKind, column_kind

__all__ = ["KINDS", "LEFT_OUT", "ColumnKind", "TableEncoder", "column_kind"]
