"""What devices with ISAPI (Hikvision) answer: XML of one namespace."""

from __future__ import annotations

from aiohttp import web

NAMESPACE = "http://www.hikvision.com/ver20/XMLSchema"


def xml(body: str, status: int = 200) -> web.Response:
    """Return an answer of XML."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    return web.Response(status=status, text=text, content_type="application/xml")


def status(code: int, number: int, text: str) -> web.Response:
    """Return an answer of HTTP status ``code`` that says what came of a request, by ISAPI's own number."""
    body = (
        f'<ResponseStatus version="2.0" xmlns="{NAMESPACE}"><statusCode>{number}</statusCode>'
        f"<statusString>{text}</statusString></ResponseStatus>"
    )
    return xml(body, code)
