"""What those who run a service ask it: /healthz, /readyz and /metrics, over plain HTTP on a port of its own.

For services that run apart. The alert service answers the same on its API; under ``lianfang run`` that one
speaks for all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

from lianfang.errors import LianfangError

_log = structlog.get_logger()

Ready = Callable[[], Mapping[str, str]]
"""Returns, per component, "ok" or what is wrong with it; called from several threads."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: a probe every few seconds is no event."""


@contextmanager
def ops(
    port: int | None, registry: CollectorRegistry, ready: Ready, host: str = "127.0.0.1"
) -> Iterator[int]:
    """Answer on ``port`` (0: a free one) while the block runs, and give the port; None answers nowhere.

    LianfangError where it cannot listen there.
    """
    if port is None:
        yield 0
        return
    try:
        server = make_server(host, port, _app(registry, ready), _Server, _Quiet)
    except OSError as error:
        raise LianfangError(f"cannot answer on {host}:{port}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, name="ops", daemon=True).start()
    _log.info("ops_listening", host=host, port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _app(
    registry: CollectorRegistry, ready: Ready
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    metrics = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        if path == "/healthz":
            return _json(start, "200 OK", {"status": "ok"})
        if path == "/readyz":
            states = ready()
            good = all(state == "ok" for state in states.values())
            status = "200 OK" if good else "503 Service Unavailable"
            return _json(start, status, {"ready": good, "components": dict(states)})
        return _json(start, "404 Not Found", {"detail": "there are /healthz, /readyz and /metrics"})

    return app


def _json(start: StartResponse, status: str, body: Mapping[str, object]) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body, ensure_ascii=False).encode()]
