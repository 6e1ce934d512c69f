"""The bag head: boxes in photos of bags, claims in pictures without, and things set into the street.

``garbage_bags/test`` gives the average precision; ``general``, in which there are handbags, backpacks and
suitcases but no rubbish bag, how many pictures hold a claim at the working threshold.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import thread_time

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.ap import average_precision, match
from detectors.evaluation.bags import MOST, SMALLEST
from detectors.evaluation.base import Figure, proportion
from detectors.garbage.bags import BagFinder
from detectors.labels import labels_of

_LEAST = 0.01
_NOT_LEFT = frozenset({"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"})
_NONE = np.zeros((0, 4), np.float32)
_PICTURES = frozenset({".jpg", ".jpeg", ".png"})


def measure_head(data: Path, finder: BagFinder) -> dict[str, Figure]:
    """Return ``garbage.bag_ap50`` and ``garbage.bag_false_positive_pictures`` of what ``data`` has."""
    figures: dict[str, Figure] = {}
    matched, ms = [], []
    for label in sorted((data / "garbage_bags" / "test" / "labels").glob("*.txt")):
        path = label.parents[1] / "images" / f"{label.stem}.jpg"
        photo = cv2.imread(str(path))
        if photo is None:
            continue
        size = np.array([photo.shape[1], photo.shape[0]] * 2, np.float32)
        began_s = thread_time()
        found = finder.find(np.asarray(photo, np.uint8), _LEAST)
        ms.append((thread_time() - began_s) * 1000)
        truths = np.array([bag.xyxyn for bag in labels_of(path)], np.float32).reshape(-1, 4)
        matched.append(match(found.xyxyn * size, found.confidence, truths * size, _NONE))
    if any(one.truths for one in matched):
        figures["garbage.bag_ap50"] = average_precision(matched)
        figures["garbage.bag_look_ms"] = Figure(round(float(np.median(ms)), 1), len(ms))
    claims = [
        len(finder.find(picture, finder.thresholds.bag_from)) > 0 for picture in _pictures(data / "general")
    ]
    if claims:
        figures["garbage.bag_false_positive_pictures"] = proportion(sum(claims), len(claims))
    return figures


def things(folder: Path, most: int = MOST) -> list[NDArray[np.uint8]]:
    """Return things of the COCO pictures in ``folder`` that could be left in a street, each cut out."""
    files = {path.name: path for path in sorted(folder.rglob("*")) if path.is_file()}
    found = []
    for listed in sorted((folder / "annotations").glob("*.json")):
        coco = json.loads(listed.read_text(encoding="utf-8"))
        names = {c["id"]: c["name"] for c in coco["categories"]}
        pictures = {i["id"]: files.get(i["file_name"]) for i in coco["images"]}
        for one in coco["annotations"]:
            x, y, width, height = (round(v) for v in one["bbox"])
            path = pictures[one["image_id"]]
            if path is None or names[one["category_id"]] in _NOT_LEFT or min(width, height) < SMALLEST:
                continue
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
            if picture is not None:
                found.append(np.asarray(picture[y : y + height, x : x + width], np.uint8))
    return found[:: max(1, len(found) // most)][:most]


def _pictures(folder: Path) -> list[NDArray[np.uint8]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    read = (cv2.imread(str(path)) for path in paths)
    return [np.asarray(picture, np.uint8) for picture in read if picture is not None]
