"""What of a message is never kept: faces, fingers and whatever else is measured of a body. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

# Names of fields under which devices for access send them, in the spellings of their makers.
_NAMES = re.compile(
    r"face|feature|template|biometr|finger|iris|palm|vein|voiceprint|photo|picture|image|snap|"
    r"base64|img|(?<![a-z])pics?(?![a-z])|(?-i:[a-z]Pics?(?![a-z]))|pic(url|data)|人脸|面部|指纹|虹膜|掌纹|声纹|照片|图片|抓拍|特征",
    re.IGNORECASE,
)
_BLOB = 256  # characters: no number of a card is so long, every template and picture is
_KEPT = 4096  # bytes of a message that is kept for people to look at
_DEEP = 32


def is_biometric(name: str) -> bool:
    """Say whether a field of that name holds a picture of somebody, or what is measured of a body."""
    return _NAMES.search(name) is not None


def without_biometrics(data: Any) -> tuple[Any, tuple[str, ...]]:  # noqa: ANN401 - JSON
    """Return ``data``, JSON, without such fields, and the places (JSON pointers) of those that it had."""
    dropped: list[str] = []
    return _clean(data, "", dropped), tuple(dropped)


def kept(data: Any) -> bytes:  # noqa: ANN401
    """Return what of a message may be kept for people to look at: a beginning of it in JSON, UTF-8."""
    text = json.dumps(without_biometrics(data)[0], ensure_ascii=False)
    return text.encode("utf-8", "replace")[:_KEPT]


def _clean(data: Any, where: str, dropped: list[str]) -> Any:  # noqa: ANN401
    if where.count("/") > _DEEP:
        dropped.append(where)
        return None
    if isinstance(data, dict):
        fields: dict[str, Any] = {}
        for name, value in data.items():
            place = f"{where}/{name.replace('~', '~0').replace('/', '~1')}"
            if is_biometric(name) and not isinstance(value, bool | None):
                dropped.append(place)
            else:
                fields[name] = _clean(value, place, dropped)
        return fields
    if isinstance(data, list):
        return [_clean(value, f"{where}/{i}", dropped) for i, value in enumerate(data)]
    if isinstance(data, str) and len(data) > _BLOB:
        dropped.append(where)
        return None
    return data
