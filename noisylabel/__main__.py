"""``python -m noisylabel``: the ``noisylabel`` command."""

import sys

from noisylabel.cli import main

if __name__ == "__main__":
    sys.exit(main())
