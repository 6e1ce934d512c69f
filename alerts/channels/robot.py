"""``kind: robot``: a line of text in a chat group of WeCom (企业微信), DingTalk (钉钉) or Feishu (飞书).

See docs/protocols/robot.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from alerts.channels._http import Answer, HttpEndpoint, check_status, http_url
from alerts.channels.base import Delivery, Receipt
from alerts.notice_settings import NoticeConfig, Retry, ZoneName
from alerts.payload import Notice, notice_of
from alerts.reach import check_address
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.errors import PermanentError, TransientError

Dialect = Literal["wecom", "dingtalk", "feishu"]
FIELDS = ("title", "community", "point", "zone", "camera", "people", "change", "severity", "time", "number")
_LONGEST = 2000  # bytes of a text: the least that any of them takes is 2048
_SLOW_DOWN_S = 60.0  # all of them count messages by the minute
# What each of them answers to a message that may be taken later: busy, too many in a minute.
_LATER: Mapping[Dialect, frozenset[int]] = {
    "wecom": frozenset({-1, 45009}),
    "dingtalk": frozenset({-1, 130101, 410100}),
    "feishu": frozenset({11232}),
}
_MODES = {"live": "", "task": "", "test": "【测试】", "drill": "【演练】", "backfill": "【补报】"}
_SEVERITIES = {"low": "提示", "medium": "一般", "high": "重要", "critical": "紧急"}
_CHANGES = {
    "opened": "发现",
    "raised": "人数增加",
    "escalated": "喊话无效",
    "unseen": "画面中断",
    "seen": "画面恢复，人还在",
    "returned": "又有人",
    "heard": "仍在现场",
    "cleared": "已离开",
    "confirmed": "已确认",
    "assigned": "已指派",
    "unassigned": "已取消指派",
    "dispatched": "已派人",
    "handled": "已处置",
    "reopened": "重新处置",
    "forwarded": "超时升级",
    "false_alarm": "误报，已撤销",
    "permitted": "已许可，已撤销",
    "closed": "已结案",
    "ended": "已结束",
}


class Config(NoticeConfig):
    """A robot of a chat group. It gets text only: no pictures, no plates."""

    kind: Literal["robot"]
    dialect: Dialect
    """Whose it is."""
    url: Secret
    """Its address, which is all that somebody needs to write into the group."""
    sign_key: Secret | None = None
    """The key of signed messages (加签), where the robot asks for it; DingTalk and Feishu only."""
    text: str = Field(
        default="{change}：{title}\n{point} {zone}，{people}人，{time}（{severity}）",
        min_length=1,
        max_length=500,
    )
    """What is written; see the document for what may stand in braces. A drill is always said to be one."""
    timezone: ZoneName = "Asia/Shanghai"
    """Time zone of {time}."""
    retry: Retry = Retry(give_up_h=1)
    """What happens where it does not answer; a chat is no place for news of yesterday."""

    @field_validator("text")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        allowed = f"a text with {', '.join(f'{{{name}}}' for name in FIELDS)} only"
        try:
            parts = list(string.Formatter().parse(value))
        except ValueError as error:
            raise ValueError(allowed) from error
        if any(name is not None and (name not in FIELDS or form or how) for _, name, form, how in parts):
            raise ValueError(allowed)
        return value

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address that is none, or not allowed, and a key that nobody asks for."""
        yield from super().check(config)
        try:
            url = http_url(self.url.read())
        except LookupError:
            return  # the secret itself says so
        except ValueError as error:
            yield Problem(("url",), "a secret of another form", str(error))
            return
        yield from check_address("url", url, self.within)
        if self.sign_key is not None and self.dialect == "wecom":
            yield Problem(("sign_key",), "a key", "none: robots of WeCom know no signed messages")


class RobotChannel:
    """Writes into a group. They know no ids: an answer that is lost may make a line come twice."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock, self._zone = config, clock, ZoneInfo(config.timezone)
        self._url = config.url.read()
        self._key = config.sign_key.read() if config.sign_key else None
        self._http = HttpEndpoint(config.timeout_s, tls=config.tls, networks=config.within)

    async def send(self, delivery: Delivery) -> Receipt:
        """Write the line; return the robot's word that it has it."""
        notice = notice_of(delivery.payload)
        url, body = self._signed(_message(self._config.dialect, self._text(notice)))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = await self._http.request("POST", url, headers, json.dumps(body, ensure_ascii=False).encode())
        check_status(answer, self._clock.now())
        return self._word(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _text(self, notice: Notice) -> str:
        at = notice.updated_at.astimezone(self._zone)
        text = _MODES[notice.mode] + self._config.text.format(
            title=notice.title,
            community=notice.community,
            point=notice.place.point_name,
            zone=notice.place.zone_name,
            camera=notice.place.camera_name,
            people=notice.people,
            change=_CHANGES.get(notice.change, notice.change),
            severity=_SEVERITIES.get(notice.severity, notice.severity),
            time=f"{at:%m-%d %H:%M:%S}",
            number=notice.number[:8],
        )
        data = text.encode()
        return text if len(data) <= _LONGEST else data[:_LONGEST].decode(errors="ignore") + "…"

    def _signed(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the address and the body with the signature, where there is one."""
        if self._key is None:
            return self._url, body
        now = self._clock.now().timestamp()
        if self._config.dialect == "feishu":
            stamp = str(int(now))
            return self._url, {**body, "timestamp": stamp, "sign": _hmac(f"{stamp}\n{self._key}", "")}
        stamp = str(int(now * 1000))
        query = urlencode({"timestamp": stamp, "sign": _hmac(self._key, f"{stamp}\n{self._key}")})
        return f"{self._url}{'&' if '?' in self._url else '?'}{query}", body

    def _word(self, answer: Answer) -> Receipt:
        key = "code" if self._config.dialect == "feishu" else "errcode"
        try:
            said = json.loads(answer.body)
            code = said.get(key) if isinstance(said, dict) else None
        except (ValueError, RecursionError) as error:
            raise TransientError("answered what is no JSON") from error
        if type(code) is not int:  # a bool is one, and no code
            raise TransientError(f"answered without a number as its {key}")
        if code == 0:
            return Receipt("0", answer.quote())
        message = f"the robot says {code}: {answer.quote()}"
        if code in _LATER[self._config.dialect]:
            raise TransientError(message, retry_after_s=_SLOW_DOWN_S)
        raise PermanentError(message)


def build(config: Config, clock: Clock) -> RobotChannel:
    """Return the channel; LookupError if its address or key cannot be read."""
    return RobotChannel(config, clock)


def _message(dialect: Dialect, text: str) -> dict[str, Any]:
    if dialect == "feishu":
        return {"msg_type": "text", "content": {"text": text}}
    return {"msgtype": "text", "text": {"content": text}}


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode("ascii")
