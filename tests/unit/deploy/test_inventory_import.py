"""Tables into a configuration: all of them or nothing, and every fault at its row and column."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.inventory.command import main
from deploy.inventory.files import Files, Meanwhile
from lianfang import tables
from lianfang.config import load
from lianfang.table_fault import TableError
from lianfang.tables import escaped, read
from tests.support.configs import SECRETS, SQUARE, changed, write

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
CELL = '<c r="A1" t="inlineStr"><is><t>&l8;</t></is></c>'
LIST = """\
# kept by hand
points:
  mill: {name: 磨坊, longitude: 113.2}  # by the river
cameras:
  # the oldest one
  c3:
    name: "三号"
    point: mill
    source: {kind: rtsp, url: rtsp://10.0.0.9/c, username: u, password: {env: TEST_TOKEN}}
    zones:
      bank: {polygon: [[0, 0], [1, 0], [1, 1]], speakers: [horn]}
"""


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def site(folder: Path, text: str | None = LIST, *changes: tuple[str, Any]) -> Path:
    if text is not None:
        (folder / "list.yaml").write_text(text, encoding="utf-8")
    return write(folder, changed(("inventory", "list.yaml"), *changes))


def table(folder: Path, name: str, text: str, encoding: str = "utf-8") -> str:
    file = folder / f"{name}.csv"
    file.write_bytes(text.encode(encoding))
    return str(file)


def listed(folder: Path) -> Any:  # noqa: ANN401
    return yaml.safe_load((folder / "list.yaml").read_text(encoding="utf-8"))


def state(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.yaml")}


def test_rows_add_and_change_and_leave_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path)
    cameras = table(
        tmp_path,
        "高沙摄像机台账",
        "摄像机清单,,,,,,\n序号,摄像机编号,名称,所属点位,RTSP地址,接入方式,国标编码,帧率\n"
        "1,c3,三号枪机,磨坊,rtsp://10.0.0.9/c,rtsp,,2\n\n2,c4,四号,水闸,rtsp://10.0.0.10/c,rtsp,44200000001320000004,\n",
    )
    points = table(tmp_path, "点位", "点位编号,名称,经度(°),纬度\ngate_2,水闸,113.21,22.6\n", "gb18030")
    zones = table(
        tmp_path,
        "zones",
        "camera,zone id,polygon,speakers\n"
        '四号,water,"0.1,0.1; 0.9,0.1; 0.9,0.9","horn"\nc3,bank,"0,0;1,0;1,1",horn\n',
    )
    assert main(["import", str(config), cameras, zones, points]) == 0
    assert capsys.readouterr().out.startswith("3 added, 1 changed, 1 unchanged; changed: ")
    text = (tmp_path / "list.yaml").read_text(encoding="utf-8")
    assert "# kept by hand" in text
    assert "# the oldest one" in text
    assert "# by the river" in text
    found = load(config)
    assert found.cameras["c3"].name == "三号枪机"
    assert found.cameras["c3"].fps == 2
    assert found.cameras["c4"].point == "gate_2"
    assert found.cameras["c4"].device_code == "44200000001320000004"
    assert found.cameras["c4"].zones["water"].speakers == ("horn",)
    assert found.points["gate_2"].latitude == 22.6
    assert found.cameras["c3"].source.password is not None  # type: ignore[attr-defined]


def test_what_stands_in_the_configuration_itself_is_changed_there(tmp_path: Path) -> None:
    config = site(tmp_path)
    text = config.read_text(encoding="utf-8").replace("points:\n", "points:  # all of them\n")
    config.write_text(text, encoding="utf-8")
    before = (tmp_path / "list.yaml").read_bytes()
    assert main(["import", str(config), table(tmp_path, "points", "id,name,lat\nbank,东岸,22.65\n")]) == 0
    assert load(config).points["bank"].latitude == 22.65
    assert "# all of them" in config.read_text(encoding="utf-8")
    assert (tmp_path / "list.yaml").read_bytes() == before


def test_an_inventory_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    config = site(tmp_path, None)
    assert main(["import", str(config), table(tmp_path, "points", "id,name\nmill,磨坊\n")]) == 0
    assert listed(tmp_path) == {"points": {"mill": {"name": "磨坊"}}}


def test_an_empty_cell_takes_away_and_a_column_that_is_not_there_does_not(tmp_path: Path) -> None:
    config = site(tmp_path)
    assert main(["import", str(config), table(tmp_path, "points", "id,name,longitude\nmill,磨坊,\n")]) == 0
    assert listed(tmp_path)["points"]["mill"] == {"name": "磨坊"}
    rows = "id,用户名,密码变量\nc3,,\n"
    assert main(["import", str(config), table(tmp_path, "cameras", rows)]) == 0
    assert listed(tmp_path)["cameras"]["c3"]["source"] == {"kind": "rtsp", "url": "rtsp://10.0.0.9/c"}
    assert "bank" in listed(tmp_path)["cameras"]["c3"]["zones"]


def test_ids_and_names_are_made_where_a_row_has_none(tmp_path: Path) -> None:
    config = site(tmp_path, LIST, ("community.camera_names", "{point}-{n:02d}号枪机"))
    points = table(tmp_path, "points", "名称\n云栖涌 东岸\n云栖涌-东岸\n磨坊\n")
    cameras = "点位,接入方式,地址\n磨坊,rtsp,rtsp://10.0.0.{}/x\n磨坊,rtsp,rtsp://10.0.0.11/x\n磨坊,rtsp,rtsp://10.0.0.9/c\n"
    tables = [points, table(tmp_path, "cameras", cameras.format(10))]
    assert main(["import", str(config), *tables]) == 0
    found = listed(tmp_path)
    assert list(found["points"]) == ["mill", "yun_qi_yong_dong_an", "yun_qi_yong_dong_an_2"]
    assert {name: one["name"] for name, one in found["cameras"].items()} == {
        "c3": "三号",
        "mill_c1": "磨坊-01号枪机",
        "mill_c2": "磨坊-02号枪机",
    }
    before = state(tmp_path)
    assert main(["import", str(config), *tables]) == 0  # the same rows are the same cameras
    assert state(tmp_path) == before


FAULTS: list[tuple[str, str, int, str, str, str]] = [
    # sheet, text, row, column, found, allowed
    ("points", "id,name,经度\nmill,x,1l3\n", 2, "C (经度)", "'1l3'", "a number"),
    ("points", "id,name,经度\nmill,x,200\n", 2, "C (经度)", "200", "less than or equal to 180"),
    ("points", "id,name,纬渡\nmill,x,1\n", 1, "C (纬渡)", "unknown header", "did you mean '纬度'"),
    ("points", "id,name,name\nmill,x,1\n", 1, "C (name)", "same column again", "once"),
    ("points", "id,name,\nmill,x,1\n", 2, "C", "'1'", "no header"),
    ("points", "id,name\nMill,x\n", 2, "A (点位编号)", "'Mill'", "an id: a lower-case letter"),
    ("points", "id,name\nmill,a\nmill,b\n", 3, "A (点位编号)", "'mill' again", "once"),
    ("points", "id,name\n,\nx1,\n", 3, "B (点位名称)", "nothing", "required"),
    ("cameras", "id,点位\nc3,mil\n", 2, "B (点位)", "'mil'", "did you mean 'mill'"),
    ("cameras", "id,上联\nc3,radio\n", 2, "B (上联)", "'radio'", "of one of the 0 uplinks"),
    ("cameras", "id,密码\nc3,geheim\n", 1, "B (密码)", "a column of secrets", "密码文件"),
    (
        "cameras",
        "id,地址\nc3,rtsp://a:geheim@10.0.0.9/c\n",
        2,
        "B (视频地址)",
        "a login",
        "columns of their own",
    ),
    (
        "cameras",
        "id,source.password\nc3,geheim\n",
        1,
        "B (source.password)",
        "a column of secrets",
        "密码文件",
    ),
    (
        "cameras",
        "id,source.sub_url\nc3,rtsp://a:geheim@b/c\n",
        2,
        "B (source.sub_url)",
        "a login",
        "of their own",
    ),
    ("cameras", "id,启用\nc3,maybe\n", 2, "B (启用)", "'maybe'", "是 or 否"),
    ("cameras", "id,接入方式\nc3,webcam\n", 2, "B (接入方式)", "'webcam'", "rtsp"),
    ("cameras", "id,source.pace\nc3,realtime\n", 2, "B (source.pace)", "'realtime'", "rtsp has no key"),
    ("cameras", "id,source.speed\nc3,2\n", 2, "B (source.speed)", "'2'", "rtsp has no key source.speed"),
    ("cameras", "id,sauce.speed\nc3,2\n", 1, "B (sauce.speed)", "unknown header", "备注"),
    ("cameras", "id,max_width\nc3,9\n", 2, "B (max_width)", "9", "greater than or equal to 160"),
    ("cameras", "id,masks\nc3,1\n", 2, "B (masks)", "'1'", "no key masks"),
    ("cameras", "id,国标编码\nc3,123\n", 2, "B (国标编码)", "'123'", "pattern"),
    ("cameras", "id,密码变量\nc3,NOT_THERE\n", 2, "B (密码变量)", "NOT_THERE", "readable"),
    (
        "zones",
        '摄像机,区域编号,多边形\nc9,a,"0,0;1,0;1,1"\n',
        2,
        "A (摄像机编号)",
        "'c9'",
        "of one of the 3 cameras",
    ),
    ("zones", '摄像机,区域编号,多边形\nc3,bank,"0,0;1,0"\n', 2, "C (多边形)", "[[0, 0]", "at least 3"),
    ("zones", '摄像机,区域编号,多边形\nc3,bank,"0;1;2"\n', 2, "C (多边形)", "'0;1;2'", "x,y of each corner"),
    ("zones", "摄像机,区域编号,音柱\nc3,bank,horn drum\n", 2, "C (音柱)", "'drum'", "receivers"),
    ("unheard", "x,y\n1,2\n", 0, "", "'unheard'", "点位 (points)"),
]


@pytest.mark.parametrize(("sheet", "text", "row", "column", "found", "allowed"), FAULTS)
def test_a_fault_is_named_by_row_and_column(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    sheet: str,
    text: str,
    row: int,
    column: str,
    found: str,
    allowed: str,
) -> None:
    config = site(tmp_path)
    before = state(tmp_path)
    assert main(["import", str(config), table(tmp_path, sheet, text)]) == 2
    said = capsys.readouterr().err
    first, *_, last = said.splitlines()
    place, _, rest = first.partition(": found ")
    at = [f"row {row}"] if row else []
    assert place == ", ".join(
        [str(tmp_path / f"{sheet}.csv"), *at, *([f"column {column}"] if column else [])]
    )
    assert found in rest.partition("; allowed: ")[0]
    assert allowed in rest.partition("; allowed: ")[2]
    assert "geheim" not in said
    assert last == "1 problem; nothing was written"
    assert state(tmp_path) == before


def test_all_faults_of_all_tables_are_named_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path)
    points = table(tmp_path, "points", "id,name,经度,纬度\nmill,磨坊,x,22\ngood,好,1,91\n")
    # One row is wrong by itself, one only in the whole; a good row is in none of them.
    cameras = table(
        tmp_path,
        "cameras",
        "id,name,点位,接入方式,地址,帧率\nc4,四号,good,rtsp,rtsp://10.0.0.7/,99\n"
        "c5,五号,mill,rtsp,http://10.0.0.7/,5\nc6,六号,mill,rtsp,rtsp://10.0.0.8/,5\n",
    )
    assert main(["import", str(config), points, cameras, str(tmp_path / "none.csv")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": found ")[0].removeprefix(str(tmp_path)) for line in said[:-1]] == [
        "/none.csv",
        "/points.csv, row 2, column C (经度)",
        "/points.csv, row 3, column D (纬度)",
        "/cameras.csv, row 2, column F (帧率)",
        "/cameras.csv, row 3, column E (视频地址)",
    ]
    assert said[-1] == "5 problems; nothing was written"


@pytest.mark.parametrize(
    ("value", "found", "allowed"),
    [
        ("=1+1", "a formula", "paste values"),
        (44200000001320000004, "rounded by the spreadsheet", "format the column as text"),
        ("#REF!", "#REF!", "a value"),
    ],
)
def test_a_workbook_runs_nothing_and_rounds_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    value: Any,  # noqa: ANN401
    found: str,
    allowed: str,
) -> None:
    config = site(tmp_path)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "摄像机"
    for row in (["编号", "国标编码"], ["c3", value]):
        sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    assert main(["import", str(config), str(tmp_path / "t.xlsx")]) == 2
    said = capsys.readouterr().err
    assert "sheet 摄像机, row 2, column B" in said
    assert found in said
    assert allowed in said


def test_a_workbook_that_grows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = site(tmp_path)
    openpyxl.Workbook().save(tmp_path / "t.xlsx")
    monkeypatch.setattr(tables, "MAX_UNPACKED_BYTES", 1000)
    assert main(["import", str(config), str(tmp_path / "t.xlsx")]) == 2
    assert "bytes unpacked; allowed: 1000 at most" in capsys.readouterr().err


def test_what_a_workbook_refers_to_is_not_unfolded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path)
    openpyxl.Workbook().save(tmp_path / "good.xlsx")
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 20}">' for n in range(1, 9))
    rows = f'<sheetData><row r="1">{CELL}</row></sheetData>'
    hostile = f'<!DOCTYPE x [<!ENTITY l0 "lol">{bomb}]><worksheet xmlns="{SHEET}">{rows}</worksheet>'
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as made:
        for item in good.infolist():
            made.writestr(item, hostile if "sheet1" in item.filename else good.read(item))
    assert main(["import", str(config), str(tmp_path / "t.xlsx")]) == 2
    assert "no Excel workbook" in capsys.readouterr().err


def test_a_workbook_that_was_cut_or_bent_is_told_of(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["编号", "名称"])
    book.save(tmp_path / "t.xlsx")
    whole = (tmp_path / "t.xlsx").read_bytes()
    told = 0
    for at in range(0, len(whole), len(whole) // 40):
        for content in (whole[:at] + b"\xff\x00\xff\x00" + whole[at + 4 :], whole[:at]):
            (tmp_path / "t.xlsx").write_bytes(content)
            with suppress(TableError):
                read(tmp_path / "t.xlsx")
                told -= 1
            told += 1
    assert told > 40, "what is cut is no workbook"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("t.xlsm", b"PK", "'.xlsm'"),
        ("t.xlsx", b"no zip", "no Excel workbook"),
        ("t.csv", b'a,"b\nc', "unexpected"),
    ],
)
def test_a_file_that_is_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, found: str
) -> None:
    config = site(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert main(["import", str(config), str(tmp_path / name)]) == 2
    assert found in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    text = "点位编号,点位名称\nmill,联通大厦东侧\n"
    (found,) = read(Path(table(tmp_path, "点位", text, encoding)))
    assert found.rows[1][1] == ["mill", "联通大厦东侧"]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(
        st.one_of(st.characters(codec="gb2312", exclude_characters="\r\n\",;\t\xa0\u3000 '"), st.just("a")),
        min_size=1,
    ),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
)
def test_no_reading_is_a_wrong_one(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "doubt.csv"
    file.write_bytes(f"id,name\nx,{text}\n".encode(encoding))
    try:
        (found,) = read(file)
    except TableError as error:
        assert "--encoding" in str(error)  # noqa: PT017 - what is doubtful is asked for
        (found,) = read(file, encoding)
    assert found.rows[1][1][1] == text


@pytest.mark.parametrize("target", ["all.xlsx", "tables"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_export_taken_in_again_changes_nothing(tmp_path: Path, target: str, language: str) -> None:
    config = site(tmp_path)
    before = state(tmp_path)
    assert main(["export", str(config), str(tmp_path / target), "--language", language]) == 0
    tables = [str(f) for f in (tmp_path / target).glob("*.csv")] or [str(tmp_path / target)]
    assert main(["import", str(config), *tables]) == 0
    assert state(tmp_path) == before


RICH = """\
uplinks: {radio: {name: 无线}}
points: {mill: {name: 磨坊, place_code: "442000", duty_contact: {name: 值班室, phone: "0760-00000000"}}}
receivers:
  horn4g:
    kind: speaker_mqtt
    name: {zh: 磨坊音柱, en: mill horn}
    broker: {host: 10.0.0.5, tls: {}, username: u, password: {env: TEST_TOKEN}}
    command_topic: s/1/cmd
    result_topic: s/1/result
    says_end: false
    languages: [zh, yue]
sensors:
  gauge:
    {name: 水位, point: mill, kind: level, silent_s: null, source: {kind: mqtt, broker: town, topic: a/b}}
cameras:
  c3:
    name: 三号
    point: mill
    uplink: radio
    source: {kind: rtsp, url: rtsp://10.0.0.9/c, transport: udp, read_timeout_s: 1.5}
    record: {model: JX-1, ip_address: 10.0.0.9, port: 554, function_type: 1/2}
    enabled: false
    gate: null
    crop: {x_min: 0.1, y_min: 0, x_max: 1, y_max: 1}
    zones:
      bank: {name: 岸, polygon: [[0, 0], [1, 0], [1, 1]], kind: bank, speakers: [horn4g]}
      water: {polygon: [[0, 0.25], [1, 0], [1, 1]], place: pond}
    lines:
      fence: {start: [0, 0.5], end: [1, 0.5], zone: bank}
grid_cells: {east: {name: 东网格, points: [mill], contact: {name: 网格员, phone: "1"}, receiver: police}}
"""


def test_all_that_cells_can_hold_comes_back_into_an_empty_inventory(tmp_path: Path) -> None:
    config = site(tmp_path, RICH, ("brokers", {"town": {"host": "10.0.0.6"}}))
    before = listed(tmp_path)
    assert main(["export", str(config), str(tmp_path / "t.xlsx")]) == 0
    (tmp_path / "list.yaml").unlink()
    assert main(["import", str(config), str(tmp_path / "t.xlsx")]) == 0
    assert listed(tmp_path) == before


NAMES = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1, max_size=12
) | st.sampled_from(
    [
        "=1+1",
        "-x",
        "@a",
        "'=",
        "''+",
        "'quoted'",
        "a,b",
        'a"b',
        "yes",
        "12",
        "1e5",
        "#N/A",
        "~",
        "a: b",
        "- c",
        "0x1F",
    ]
)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    names=st.tuples(NAMES, NAMES), x=st.floats(-180, 180), way=st.sampled_from(["xlsx", "utf-8", "gb18030"])
)
def test_whatever_names_say_an_export_comes_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, names: tuple[str, str], x: float, way: str
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    entries = {
        "points": {"mill": {"name": names[0], "longitude": x}},
        "uplinks": {"radio": {"name": names[1]}},
    }
    config = site(folder, yaml.safe_dump(entries, allow_unicode=True))
    before = state(folder)
    target = folder / ("t.xlsx" if way == "xlsx" else "t")
    assert main(["export", str(config), str(target), *([] if way == "xlsx" else ["--encoding", way])]) == 0
    tables = [str(f) for f in target.glob("*.csv")] or [str(target)]
    assert main(["import", str(config), *tables]) == 0
    assert state(folder) == before
    # And where there was nothing the same comes about.
    (folder / "list.yaml").unlink()
    assert main(["import", str(config), *tables]) == 0
    assert listed(folder) == entries


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@x", "'@x"),
        ("+a", "'+a"),
        ("-a", "'-a"),
        ("-7.5", "-7.5"),
        ("'=a", "''=a"),
        ("a=b", "a=b"),
        ("\tx", "'\tx"),
    ],
)
def test_no_cell_is_taken_for_a_formula(cell: str, safe: str) -> None:
    assert escaped(cell) == safe


def test_an_export_holds_no_secret(tmp_path: Path) -> None:
    config = site(
        tmp_path,
        LIST.replace(
            "rtsp://10.0.0.9/c, username: u, password: {env: TEST_TOKEN}", "'rtsp://u:geheim@10.0.0.9/c'"
        ),
    )
    before = state(tmp_path)
    assert main(["export", str(config), str(tmp_path / "t")]) == 0
    cameras = (tmp_path / "t" / "摄像机.csv").read_text(encoding="utf-8-sig")
    assert "rtsp://10.0.0.9/c" in cameras
    assert "geheim" not in cameras
    assert main(["import", str(config), str(tmp_path / "t" / "摄像机.csv")]) == 0
    assert state(tmp_path) == before


def test_who_changes_a_file_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    config = site(tmp_path)
    files = Files(config)
    files.document()
    (tmp_path / "list.yaml").write_text(LIST + "# mine\n", encoding="utf-8")
    with pytest.raises(Meanwhile, match="somebody has changed it"):
        files.replace({config: "x"})
    assert "# mine" in (tmp_path / "list.yaml").read_text(encoding="utf-8")
    with Files(config).alone(), pytest.raises(Meanwhile, match="another command"), Files(config).alone():
        pass


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path)
    before = state(tmp_path)
    rows = table(tmp_path, "points", "id,name\nnew,新\n")
    assert main(["import", str(config), rows, "--dry-run"]) == 0
    assert "1 added, 0 changed, 0 unchanged; would change" in capsys.readouterr().out
    assert state(tmp_path) == before


def test_what_yaml_shares_is_not_changed_in_two_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = "points:\n  mill: &m {name: 磨坊}\n  mill_2: *m\n"
    config = site(tmp_path, shared)
    before = state(tmp_path)
    assert main(["import", str(config), table(tmp_path, "points", "id,name\nmill,水磨坊\n")]) == 2
    assert "anchors" in capsys.readouterr().err
    assert state(tmp_path) == before


def test_the_square_of_the_tests_is_a_polygon_in_a_cell(tmp_path: Path) -> None:
    config = site(tmp_path)
    assert main(["export", str(config), str(tmp_path / "t")]) == 0
    zones = (tmp_path / "t" / "区域.csv").read_text(encoding="utf-8-sig")
    assert "; ".join(f"{x},{y}" for x, y in SQUARE) in zones
