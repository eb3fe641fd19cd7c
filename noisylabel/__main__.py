"""``python -m noisylabel``: the ``noisylabel`` command."""

import sys

from noisylabel.commands import main

if __name__ == "__main__":
    sys.exit(main())
