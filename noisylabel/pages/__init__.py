"""Self-contained HTML pages."""

from noisylabel.pages._page import write_page

__all__ = ["write_page"]
