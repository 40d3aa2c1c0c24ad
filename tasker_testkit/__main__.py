"""``python -m tasker_testkit``: the same as the command ``tasker-testkit``."""

from __future__ import annotations

import sys

from tasker_testkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
