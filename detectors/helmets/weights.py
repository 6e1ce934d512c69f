"""Where the weights of the head classifier lie."""

from __future__ import annotations

from detectors.models.own import OwnWeights

RECEIPT = "helmet-head.json"
_WEIGHTS = OwnWeights("helmet weights", "detectors.helmets", RECEIPT)

in_use = _WEIGHTS.in_use
packaged = _WEIGHTS.packaged
put = _WEIGHTS.put
