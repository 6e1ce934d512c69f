"""``make eval``: measure detectors alone, and with the rules."""

from __future__ import annotations

import sys

from detectors.evaluation.runner import main

if __name__ == "__main__":
    sys.exit(main(["detectors.evaluation", "deploy.evaluation"]))
