"""``python -m detectors.evaluation``: measure the detectors alone, without rules."""

from __future__ import annotations

import sys

from detectors.evaluation.runner import main

if __name__ == "__main__":
    sys.exit(main(["detectors.evaluation"]))
