"""Self-contained HTML pages with charts: one look, nothing loaded from elsewhere, texts that stay texts."""

from noisylabel.pages._charts import chart, dataset, embedded, labelled_axis
from noisylabel.pages._page import percent, write_page

__all__ = ["chart", "dataset", "embedded", "labelled_axis", "percent", "write_page"]
