"""What reading the plate of a picture takes, step by step: ``python -m tests.bench.plates ../shared/data``.

Milliseconds of one core, the least of 15 tries: what else the machine does costs a try more, never less. The
graphs of the networks are run as their makers wrote them too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import thread_time

import numpy as np

from detectors.evaluation.plates import labelled
from detectors.models import sessions
from detectors.models.manifest import entry
from detectors.models.store import verify
from detectors.plates.colour import colours
from detectors.plates.detector import PlateDetector
from detectors.plates.merge import Opinion, merge
from detectors.plates.read import LONG_SIDE, MIN_CONFIDENCE
from detectors.plates.recognise import PLATES, TEXT, Recogniser, Shape
from detectors.plates.rectify import WIDEN, Image, flatten
from detectors.plates.search import search
from detectors.training.samples import read_picture

TRIES = 15
ONE_LOOK_PX = 960  # at which pictures were searched before there were two looks


def least_ms(do: Callable[[], object]) -> float:
    """Return the least milliseconds of one core that ``do`` takes."""
    took_s = []
    for _ in range(TRIES):
        begun = thread_time()
        do()
        took_s.append(thread_time() - begun)
    return min(took_s) * 1e3


def steps(image: Image, detector: PlateDetector, recognisers: dict[str, Recogniser]) -> dict[str, float]:
    """Return what each step takes for the clearest plate in ``image``."""
    found = search(detector.find, image, LONG_SIDE, MIN_CONFIDENCE)
    corners = found[0].corners
    plate = flatten(image, corners, 1, WIDEN)
    ground = colours(plate)
    opinions = [Opinion(one.steps(plate), 0.5) for one in recognisers.values()]
    one_look = ONE_LOOK_PX / max(image.shape[:2])
    took = {
        f"one look at {ONE_LOOK_PX} px": least_ms(lambda: detector.find(image, one_look, MIN_CONFIDENCE)),
        "two looks": least_ms(lambda: search(detector.find, image, LONG_SIDE, MIN_CONFIDENCE)),
        "laid flat": least_ms(lambda: flatten(image, corners, 1, WIDEN)),
        "colours": least_ms(lambda: colours(plate)),
        "merged": least_ms(lambda: merge(opinions, ground)),
    }
    return took | {name: least_ms(partial(one.steps, plate)) for name, one in recognisers.items()}


def as_written(name: str, shape: Shape) -> float:
    """Return what a network takes as its makers wrote it."""
    session = sessions.open_session(verify(name))
    given = {session.get_inputs()[0].name: np.zeros((1, 3, shape.height, shape.seen_width), np.float32)}
    return least_ms(lambda: session.run(None, given))


def main(data: Path) -> None:
    """Print a line for each step: the median over the pictures of ``data``."""
    detector = PlateDetector(verify("clp-det"))
    recognisers = {
        "clp-rec": Recogniser(verify("clp-rec"), PLATES, entry("clp-rec").labels),
        "ppocr-v4-rec": Recogniser(verify("ppocr-v4-rec"), TEXT),
    }
    each = [steps(read_picture(one.path), detector, recognisers) for one in labelled(data / "plates")]
    lines = {name: median(one[name] for one in each) for name in each[0]}
    lines |= {f"{n}, as written": as_written(n, s) for n, s in (("clp-rec", PLATES), ("ppocr-v4-rec", TEXT))}
    for name, took_ms in lines.items():
        sys.stdout.write(f"| {name} | {took_ms:.1f} |\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
