"""Words: counts and the ends of plates, so that a voice reads them rightly, and what devices are called."""

from __future__ import annotations

from lianfang.config import Config, Spoken

_DIGITS = "零一二三四五六七八九"
_ENGLISH = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def counted(n: int, language: Spoken, *, people: bool) -> str:
    """Return ``n`` (0 or more) people or things with their count word: 两个人, 十二件, "two people"."""
    if language != "en":
        return f"{_chinese(n)}{'个人' if people else '件'}"
    number = _ENGLISH[n] if n < len(_ENGLISH) else str(n)
    one, more = ("person", "people") if people else ("item", "items")
    return f"{number} {one if n == 1 else more}"


def plate_tail(plate: str) -> str:
    """Return the last three characters of a plate, apart from each other: 345 is not three hundred.

    Never more of it: who stands at the roadside needs no stranger's plate.
    """
    return " ".join(plate[-3:])


def source_name(config: Config, source: str) -> str:
    """Return what people call a camera, a sensor or a speaker; the id where that is all that is known."""
    device = config.cameras.get(source) or config.sensors.get(source)
    if device is not None:
        return device.name
    name = getattr(config.receivers.get(source), "name", None)
    return name.in_language(config.community.language) if name else source


def _chinese(n: int) -> str:
    """Return a number as it is said before a count word: 2 is 两, 12 is 十二; from 100 on in digits."""
    if n == 2:
        return "两"
    tens, ones = divmod(n, 10)
    if tens == 0:
        return _DIGITS[ones]
    if tens > 9:
        return str(n)
    return f"{_DIGITS[tens] if tens > 1 else ''}十{_DIGITS[ones] if ones else ''}"
