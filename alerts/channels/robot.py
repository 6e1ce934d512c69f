"""``kind: robot``: a line of text in a chat group of WeCom (企业微信), DingTalk (钉钉) or Feishu (飞书).

See docs/protocols/robot.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from alerts.channels.base import Delivery, Receipt
from alerts.notice_settings import Backfill, Retry, TlsNoticeConfig
from alerts.notice_text import Template, Worded
from alerts.payload import Notice, notice_of
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.config.community import Language
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.http import Answer, HttpEndpoint, check_status, http_url
from lianfang.reach.networks import check_address

Dialect = Literal["wecom", "dingtalk", "feishu"]
_LONGEST = 2000  # bytes of a text: the least that any of them takes is 2048
_SLOW_DOWN_S = 60.0  # all of them count messages by the minute
_TEXTS: Mapping[Language, str] = {
    "zh": "{change}：{title}\n{point} {zone}，{people}人，{time}（{severity}）",
    "en": "{change}: {title}\n{point} {zone}, {people} people, {time} ({severity})",
}
# What each of them answers to a message that may be taken later: busy, too many in a minute.
_LATER: Mapping[Dialect, frozenset[int]] = {
    "wecom": frozenset({-1, 45009}),
    "dingtalk": frozenset({-1, 130101, 410100}),
    "feishu": frozenset({11232}),
}


class Config(Worded, TlsNoticeConfig):
    """A robot of a chat group. It gets text only: no pictures, no plates."""

    kind: Literal["robot"]
    dialect: Dialect
    """Whose it is."""
    url: Secret
    """Its address, which is all that somebody needs to write into the group."""
    sign_key: Secret | None = None
    """The key of signed messages (加签), where the robot asks for it; DingTalk and Feishu only."""
    text: Template | None = None
    """What is written; see the document for what may stand in braces. A drill is always said to be one."""
    retry: Retry = Retry(give_up_h=1)
    """What happens where it does not answer; a chat is no place for news of yesterday."""
    backfill: Backfill = Backfill(per_s=0.2)
    """How what is late goes out; all of them take 20 messages a minute."""

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
        self._config, self._clock = config, clock
        self._template = config.text or _TEXTS[config.language]
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
        text = self._config.written(self._template, notice)
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
            raise TransientError(message, retry_after_s=_SLOW_DOWN_S, untaken=True)
        raise PermanentError(message, untaken=True)


def build(config: Config, clock: Clock) -> RobotChannel:
    """Return the channel; LookupError if its address or key cannot be read."""
    return RobotChannel(config, clock)


def _message(dialect: Dialect, text: str) -> dict[str, Any]:
    if dialect == "feishu":
        return {"msg_type": "text", "content": {"text": text}}
    return {"msgtype": "text", "text": {"content": text}}


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode("ascii")
