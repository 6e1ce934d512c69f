"""Where the weights of the head locator and of the head classifier lie."""

from __future__ import annotations

from detectors.models.own import OwnWeights

PACKAGE = "detectors.helmets"
RECEIPT = "helmet-head.json"
HEAD = OwnWeights("helmet weights", PACKAGE, RECEIPT)
LOCATOR = OwnWeights("helmet weights", PACKAGE, "helmet-locator.json")

in_use = HEAD.in_use
packaged = HEAD.packaged
put = HEAD.put
