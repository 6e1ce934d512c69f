"""The audio back-channel of a device by GStreamer, under the system's Python, which has its bindings.

Run as a program. It reads a line of JSON (``url``, ``user``, ``password``, ``timeout_s``), and then ``play``,
at which the device hears ``speech.wav``; ``over``, or the end of the input, ends it. It writes a line for
what has happened: ``ready`` when the device is called, ``open``, ``said``, ``over`` once the device has
answered after the last sound, ``error`` and words. All goes through one TCP connection, in order: who answers
after the sound has taken it.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any

import gi  # type: ignore[import-not-found, import-untyped, unused-ignore]

gi.require_version("Gst", "1.0")
from gi.repository import (  # type: ignore[import-not-found, import-untyped, unused-ignore] # noqa: E402
    GLib,
    Gst,
)

_LAWS = {"PCMA": ("alawenc", "rtppcmapay"), "PCMU": ("mulawenc", "rtppcmupay")}
_SOUND = (
    "filesrc location=speech.wav ! wavparse ! audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1"
    " ! {encoder} ! {payloader} pt={number} min-ptime=20000000 max-ptime=20000000"
    " ! appsink name=out sync=true emit-signals=true"
)
_STATUS = "rtsp-status-code"
_NONE = "no back-channel for G.711"


class Backchannel:
    """One device, from the first request to the last answer."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.loop = GLib.MainLoop()
        self._chosen: tuple[int, str, int] | None = None
        self._sound: Any = None
        self._pipeline = Gst.Pipeline()
        self._source = Gst.ElementFactory.make("rtspsrc")
        timeout_ns = int(asked["timeout_s"] * Gst.SECOND)
        settings = {
            "location": asked["url"],
            "user-id": asked["user"],
            "user-pw": asked["password"],
            "backchannel": 1,  # onvif
            "protocols": 4,  # tcp
            "tcp-timeout": timeout_ns // Gst.USECOND,
            "teardown-timeout": timeout_ns,
        }
        for name, value in settings.items():
            self._source.set_property(name, value)
        self._source.connect("select-stream", self._select)
        self._pipeline.add(self._source)
        self._listen(self._pipeline, self._heard)
        self._pipeline.set_state(Gst.State.PLAYING)
        GLib.io_add_watch(
            sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, self._told
        )

    def close(self) -> None:
        """End everything; the device is told."""
        if self._sound is not None:
            self._sound.set_state(Gst.State.NULL)
        self._pipeline.set_state(Gst.State.NULL)

    def _select(self, _source: Any, number: int, caps: Any) -> bool:  # noqa: ANN401 - GStreamer's
        """Take the back-channel, and none of what the device would send."""
        stream = caps.get_structure(0)
        law = stream.get_string("encoding-name")
        if self._chosen or not stream.has_field("a-sendonly") or law not in _LAWS:
            return False
        self._chosen = number, law, stream.get_int("payload")[1]
        return True

    def _heard(self, _bus: Any, message: Any) -> bool:  # noqa: ANN401 - GStreamer's
        if message.type == Gst.MessageType.ERROR:
            self._fail(_words(message))
        elif message.type == Gst.MessageType.PROGRESS:
            kind, code, _ = message.parse_progress()
            if kind == Gst.ProgressType.COMPLETE and code == "request" and self._sound is None:
                _say("open") if self._chosen else self._fail(_NONE)
        return True

    def _told(self, *_: Any) -> bool:  # noqa: ANN401 - GLib's
        command = os.read(sys.stdin.fileno(), 100).split()
        if b"play" in command and self._chosen:
            self._play(*self._chosen)
        elif b"over" in command:
            self._ask()
        elif not command:
            self.loop.quit()
        return bool(command)

    def _play(self, stream: int, law: str, number: int) -> None:
        encoder, payloader = _LAWS[law]
        self._sound = Gst.parse_launch(_SOUND.format(encoder=encoder, payloader=payloader, number=number))

        def push(out: Any) -> Any:  # noqa: ANN401 - GStreamer's
            sample = out.emit("pull-sample")
            _kept(sample)
            return self._source.emit("push-backchannel-buffer", stream, sample)

        self._sound.get_by_name("out").connect("new-sample", push)
        self._listen(self._sound, self._played)
        self._sound.set_state(Gst.State.PLAYING)

    def _played(self, _bus: Any, message: Any) -> bool:  # noqa: ANN401 - GStreamer's
        if message.type == Gst.MessageType.EOS:
            _say("said")
        elif message.type == Gst.MessageType.ERROR:
            self._fail(message.parse_error()[0].message)
        return True

    def _ask(self) -> None:
        """Be silent, and ask the device anything: any answer will do."""
        if self._sound is not None:
            self._sound.set_state(Gst.State.NULL)

        def answered(promise: Any) -> None:  # noqa: ANN401 - GStreamer's
            reply = promise.get_reply() if promise.wait() == Gst.PromiseResult.REPLIED else None
            if reply is not None and reply.get_int("rtsp-result") == (True, 0):
                _say("over")
            GLib.idle_add(self.loop.quit)

        asking = Gst.Promise.new_with_change_func(answered)
        if not self._source.emit("get-parameter", "position", None, asking):
            self._fail("it cannot be asked")

    def _fail(self, words: str) -> None:
        _say(f"error {words}")
        self.loop.quit()

    @staticmethod
    def _listen(pipeline: Any, hear: Any) -> None:  # noqa: ANN401 - GStreamer's
        bus = pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", hear)


def _words(message: Any) -> str:  # noqa: ANN401 - GStreamer's
    """Return what an error says: the device's own status where there is one."""
    error, details = message.parse_error()[0], message.parse_error_details()
    if details and details.has_field(_STATUS):
        return f"{details.get_uint(_STATUS)[1]} {details.get_string('rtsp-status-reason')}"
    settings = error.matches(Gst.ResourceError.quark(), Gst.ResourceError.SETTINGS)
    if settings or error.domain == "gst-stream-error-quark":  # it describes no stream, or none for us
        return _NONE
    return str(error.message)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _kept(sample: Any) -> None:  # noqa: ANN401 - GStreamer's
    """Give away a share of ``sample``: the source releases one, and its bindings do not know that."""
    _core.gst_mini_object_ref(hash(sample))


_core = ctypes.CDLL("libgstreamer-1.0.so.0")
_core.gst_mini_object_ref.argtypes = [ctypes.c_void_p]
_core.gst_mini_object_ref.restype = ctypes.c_void_p


def main() -> None:
    """Serve one command."""
    Gst.init(None)
    first = b""
    while not first.endswith(b"\n"):
        first += os.read(0, 1) or b"\n"
    _say("ready")
    channel = Backchannel(json.loads(first))
    channel.loop.run()
    channel.close()


if __name__ == "__main__":
    main()
