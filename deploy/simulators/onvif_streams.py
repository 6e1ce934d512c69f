"""The streams of a simulated ONVIF camera: what it says of each, and the address that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Stream:
    """A profile of the camera and the RTSP address that it gives for it."""

    token: str
    rtsp: str
    width: int
    height: int
    encoding: str = "H264"
    fps: int = 25
    lens: str = "lens"


def streams(rtsp: str) -> tuple[Stream, ...]:
    """Return a main and a sub-stream, both at one address."""
    return Stream("main", rtsp, 1920, 1080), Stream("sub", rtsp, 640, 360)


def profile(stream: Stream) -> str:
    """Return what GetProfiles says of a stream."""
    bounds = f'<tt:Bounds x="0" y="0" width="{stream.width}" height="{stream.height}"/>'
    return (
        f'<trt:Profiles token={quoteattr(stream.token)} fixed="true">'
        f"<tt:Name>{escape(stream.token)}</tt:Name>"
        f"<tt:VideoSourceConfiguration token={quoteattr(stream.lens)}><tt:Name>lens</tt:Name>"
        f"<tt:UseCount>2</tt:UseCount><tt:SourceToken>{escape(stream.lens)}</tt:SourceToken>{bounds}"
        "</tt:VideoSourceConfiguration>"
        f"<tt:VideoEncoderConfiguration token={quoteattr(stream.token)}><tt:Name>video</tt:Name>"
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{stream.encoding}</tt:Encoding><tt:Resolution>"
        f"<tt:Width>{stream.width}</tt:Width><tt:Height>{stream.height}</tt:Height></tt:Resolution>"
        f"<tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>{stream.fps}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
    )
