"""A SIP server that does to each message what a test says, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from alerts.sip.agent import Agent, Answer, Login
from alerts.sip.link import Server, Transport
from alerts.sip.message import Request
from deploy.simulators import sip
from deploy.simulators.sip_server import Back, Meet, sip_server

LOGIN = Login("sip:44200000002000000002@4420000000", "lianfang", "geheim")
URI, TO = "sip:44200000002000000001@4420000000", "sip:44200000002000000001@4420000000"


def any_socket(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket to any address."""
    return socket.socket(info[0], info[1], info[2])


def ok(data: bytes, back: Back) -> None:
    """Answer 200."""
    back(bytes(sip.answer(sip.parsed(data), 200, "OK", tag="server")))


@asynccontextmanager
async def sip_at(transport: Transport, meet: Meet) -> AsyncIterator[Server]:
    """Serve each message by ``meet``; the value is where it listens."""
    async with sip_server(transport, meet) as port:
        yield Server("127.0.0.1", port, transport)


@asynccontextmanager
async def agent_of(
    server: Server,
    *,
    answer: Callable[[Request], Answer] = lambda _request: (200, "OK"),
    timeout_s: float = 20,
    t1_s: float = 0.02,
) -> AsyncIterator[Agent]:
    """Give an agent of ``server`` that repeats quickly."""
    agent = Agent(server, LOGIN, any_socket, answer, timeout_s=timeout_s, t1_s=t1_s)
    try:
        yield agent
    finally:
        await agent.close()
