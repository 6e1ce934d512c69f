"""``python -m lianfang`` is the command ``lianfang``."""

import sys

from lianfang.cli import main

sys.exit(main())
