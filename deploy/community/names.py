"""What things are called in the invented community. No name is that of a place on a map."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of points: so many of them, and how they are called, numbered where names are used up."""

    id: str
    count: int
    cameras: int
    names: tuple[str, ...]
    ends: tuple[str, ...]
    position_type: str = ""


RIVERS = ("云栖涌", "白鹭涌", "榕荫涌")
"""What flows through it; river points are called by the river and a landmark."""

KINDS = (
    Kind(
        "river",
        38,
        2,
        RIVERS,
        (
            "东岸",
            "西岸",
            "石桥",
            "埠头",
            "水闸",
            "步级",
            "榕树头",
            "钓台",
            "旧渡口",
            "泵站",
            "拐弯处",
            "亲水台",
            "竹林边",
        ),
        "15",
    ),
    Kind(
        "school",
        14,
        2,
        ("云栖小学", "白鹭中学", "榕荫小学", "春禾幼儿园", "小雨点幼儿园", "启明幼儿园", "向阳幼儿园"),
        ("正门", "侧门"),
        "8",
    ),
    Kind(
        "gate",
        24,
        2,
        ("锦绣园", "听涛苑", "南田村", "上街坊", "下街坊", "新围", "旧圩", "工业园"),
        ("东口", "西口", "南口"),
    ),
    Kind(
        "bins",
        36,
        1,
        (
            "锦绣园",
            "听涛苑",
            "南田村",
            "上街坊",
            "下街坊",
            "新围",
            "旧圩",
            "桥头坊",
            "水尾",
            "工业园",
            "市场",
            "祠堂边",
        ),
        ("一号投放点", "二号投放点", "三号投放点"),
    ),
    Kind("square", 9, 2, ("云栖广场", "榕荫文化广场", "篮球场"), ("北侧", "南侧", "舞台")),
    Kind("elder", 6, 1, ("颐养院", "星光老人之家", "长者饭堂"), ("门前", "后院")),
    Kind(
        "road",
        50,
        1,
        (
            "云栖大街",
            "白鹭路",
            "榕荫路",
            "南田大道",
            "圩前街",
            "工业一路",
            "环村路",
            "水尾巷",
            "祠堂街",
            "市场路",
        ),
        ("东段", "西段", "路口", "中段", "桥头"),
    ),
)
"""177 points with 262 cameras; two roads have a second one."""

CELLS = (
    "云栖北",
    "云栖南",
    "白鹭东",
    "白鹭西",
    "榕荫东",
    "榕荫西",
    "南田",
    "旧圩",
    "新围",
    "水尾",
    "工业园",
    "桥头",
)
"""The cells of the grid, row by row from the north-west."""


def named(kind: Kind) -> list[str]:
    """Return the names of its points, each once."""
    names = [f"{name}{end}" for end in kind.ends for name in kind.names]
    return names[: kind.count]
