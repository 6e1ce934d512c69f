"""What tables may hold: sheets and their columns, by the words that people write over them. All data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Path = tuple[str, ...]
Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Column:
    """A column: the key that it holds, what stands over it, and the section whose ids it names."""

    path: Path
    zh: str
    en: str
    also: tuple[str, ...] = ()
    refers: str = ""

    def title(self, language: Language) -> str:
        """Return what stands over it."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Sheet:
    """A sheet: entries of a section, or of what lies ``within`` each entry of it (zones within a camera)."""

    id: str
    zh: str
    en: str
    section: str
    columns: tuple[Column, ...]
    also: tuple[str, ...] = ()
    within: str = ""

    def title(self, language: Language) -> str:
        """Return what it is called."""
        return self.zh if language == "zh" else self.en

    def column(self, header: str) -> Column | None:
        """Return the column that ``header`` means, None for none."""
        plain = bare(header)
        for column in self.columns:
            if plain in map(bare, (column.zh, column.en, ".".join(column.path), *column.also)):
                return column
        return None


def bare(text: str) -> str:
    """Return a header without what people write differently: case, spaces, units in brackets, marks."""
    text = re.sub(r"[(\uff08\[\u3010].*?[)\uff09\]\u3011]", "", text.strip().lower())
    return re.sub(r"[\s_\-*:\uff1a/.]", "", text)


ID, OF = ("#id",), ("#of",)
"""What is no key of an entry: its id, and the id of the entry that it lies within."""
NOTES = tuple(map(bare, ("备注", "说明", "序号", "remark", "remarks", "note", "notes", "no")))
"""Columns that people keep for themselves."""
SECRET = tuple(map(bare, ("密码", "口令", "登录密码", "password", "passwd", "token", "令牌")))
"""Columns that no table may have: secrets stand in files or in the environment."""

_ID_WORDS = ("编号", "标识", "编码")


def _id(zh: str, en: str) -> Column:
    return Column(ID, zh, en, ("id", *_ID_WORDS))


_NAME = Column(("name",), "名称", "name", ("名字",))
_POINT = Column(("point",), "点位", "point", ("所属点位", "监控点位", "点位编号", "安装位置"), "points")
_PHONE = ("电话", "联系电话", "手机")
_CONTACT = ("联系人", "责任人", "负责人")

SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "uplinks",
        "上联",
        "uplinks",
        "uplinks",
        (_id("上联编号", "uplink id"), _NAME),
        ("上联设备", "交换机", "switches"),
    ),
    Sheet(
        "points",
        "点位",
        "points",
        "points",
        (
            _id("点位编号", "point id"),
            Column(("name",), "点位名称", "name", ("名称", "监控点名称")),
            Column(("longitude",), "经度", "longitude", ("lon", "lng")),
            Column(("latitude",), "纬度", "latitude", ("lat",)),
            Column(("datum",), "坐标系", "datum", ("坐标类型",)),
            Column(("place_code",), "行政区划", "place code", ("行政区划代码",)),
            Column(("position_type",), "位置类型", "position type"),
            Column(("duty_contact", "name"), "值班人", "duty contact", _CONTACT),
            Column(("duty_contact", "phone"), "值班电话", "duty phone", _PHONE),
        ),
        ("监控点", "监控点位"),
    ),
    Sheet(
        "speakers",
        "音柱",
        "speakers",
        "receivers",
        (
            _id("音柱编号", "speaker id"),
            Column(("name",), "名称", "name", ("音柱名称",)),
            Column(("kind",), "类型", "kind", ("接入方式", "协议")),
            Column(("base_url",), "地址", "base_url", ("接入地址", "address")),
            Column(("username",), "用户名", "username", ("账号",)),
            Column(("password", "file"), "密码文件", "password file"),
            Column(("password", "env"), "密码变量", "password variable"),
            Column(("token", "file"), "令牌文件", "token file"),
            Column(("token", "env"), "令牌变量", "token variable"),
            Column(("homes_m",), "距住宅", "homes_m", ("距住宅米",)),
            Column(("max_volume_pct",), "最大音量", "max volume"),
        ),
        ("云广播", "喇叭", "广播"),
    ),
    Sheet(
        "sensors",
        "传感器",
        "sensors",
        "sensors",
        (
            _id("传感器编号", "sensor id"),
            _NAME,
            _POINT,
            Column(("kind",), "类型", "kind", ("测量",)),
            Column(("unit",), "单位", "unit"),
            Column(("low",), "下限", "low"),
            Column(("high",), "上限", "high"),
            Column(("silent_s",), "失联时限", "silent_s", ("失联秒数",)),
        ),
        ("探头",),
    ),
    Sheet(
        "cameras",
        "摄像机",
        "cameras",
        "cameras",
        (
            _id("摄像机编号", "camera id"),
            Column(("name",), "名称", "name", ("摄像机名称", "设备名称")),
            _POINT,
            Column(("uplink",), "上联", "uplink", ("上联设备", "交换机", "接入交换机"), "uplinks"),
            Column(("device_code",), "国标编码", "device code", ("设备编码", "国标编号")),
            Column(("source", "kind"), "接入方式", "source kind", ("协议", "source")),
            Column(
                ("source", "url"),
                "视频地址",
                "source url",
                ("地址", "取流地址", "RTSP地址", "url", "address"),
            ),
            Column(("source", "username"), "用户名", "username", ("账号", "登录名", "user")),
            Column(("source", "password", "file"), "密码文件", "password file"),
            Column(("source", "password", "env"), "密码变量", "password variable"),
            Column(("record", "model"), "型号", "model", ("设备型号", "品牌型号")),
            Column(("record", "ip_address"), "IP地址", "ip address", ("IP", "设备IP")),
            Column(("record", "port"), "端口", "port", ("端口号",)),
            Column(("record", "function_type"), "功能类型", "function type", ("摄像机功能类型",)),
            Column(("enabled",), "启用", "enabled", ("是否启用",)),
            Column(("fps",), "帧率", "fps", ("每秒帧数",)),
            Column(("detectors",), "检测", "detectors", ("检测器", "算法"), "detectors"),
            Column(("person_height",), "最远人高", "person height"),
        ),
        ("监控枪", "枪机", "相机"),
    ),
    Sheet(
        "zones",
        "区域",
        "zones",
        "cameras",
        (
            Column(OF, "摄像机编号", "camera id", ("摄像机", "camera"), "cameras"),
            _id("区域编号", "zone id"),
            Column(("name",), "区域名称", "name", ("名称",)),
            Column(("polygon",), "多边形", "polygon", ("顶点",)),
            Column(("kind",), "类型", "kind"),
            Column(("speakers",), "音柱", "speakers", ("音柱编号",), "receivers"),
            Column(("place",), "场所", "place"),
        ),
        ("布控区域",),
        "zones",
    ),
    Sheet(
        "lines",
        "界线",
        "lines",
        "cameras",
        (
            Column(OF, "摄像机编号", "camera id", ("摄像机", "camera"), "cameras"),
            _id("界线编号", "line id"),
            Column(("name",), "界线名称", "name", ("名称",)),
            Column(("start",), "起点", "start"),
            Column(("end",), "终点", "end"),
            Column(("zone",), "所属区域", "zone", ("区域",)),
        ),
        ("绊线", "警戒线"),
        "lines",
    ),
    Sheet(
        "grid_cells",
        "网格",
        "grid cells",
        "grid_cells",
        (
            _id("网格编号", "cell id"),
            Column(("name",), "网格名称", "name", ("名称",)),
            Column(("points",), "点位", "points", ("包含点位",), "points"),
            Column(("contact", "name"), "网格员", "contact", _CONTACT),
            Column(("contact", "phone"), "电话", "phone", _PHONE),
            Column(("receiver",), "接收方", "receiver", (), "receivers"),
            Column(("workers",), "工作人员", "workers"),
        ),
        ("微网格", "cells"),
    ),
)
"""In the order in which they are taken in: what others name comes first."""


def sheets_called(title: str) -> list[Sheet]:
    """Return the sheets that ``title``, of a worksheet or a file, may mean: exactly one where it is clear."""
    plain = bare(title)
    exact = [sheet for sheet in SHEETS if plain in _words(sheet)]
    return exact or [sheet for sheet in SHEETS if any(word in plain for word in _words(sheet))]


def _words(sheet: Sheet) -> Sequence[str]:
    return [*map(bare, (sheet.zh, sheet.en, sheet.id, *sheet.also))]


def titles() -> Iterator[str]:
    """Yield what sheets are called, in both languages."""
    for sheet in SHEETS:
        yield f"{sheet.zh} ({sheet.en})"
