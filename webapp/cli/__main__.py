"""``python -m webapp.cli``."""

import sys

from webapp.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
