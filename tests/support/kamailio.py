"""A real Kamailio that registers one device and answers its alarms."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.demo.site import free_port
from deploy.simulators.gb28181 import PASSWORD, PLATFORM
from tests.support.kafka import missing

_START_S = 30.0
_MODULES = ("tm", "sl", "pv", "textops", "siputils", "sanity", "auth", "uac")
_SAID = (
    r"<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Response><CmdType>Alarm</CmdType>"
    r'<SN>" + $var(sn) + "</SN><Result>OK</Result></Response>'
)
_ROUTES = rf"""
request_route {{
    if (!sanity_check("1511", "7")) exit;
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{PLATFORM[:10]}", "{PASSWORD}", "0")) {{
            www_challenge("{PLATFORM[:10]}", "1");
            exit;
        }}
        append_to_reply("Expires: 3600\r\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    if (is_method("MESSAGE")) {{
        sl_send_reply("200", "OK");
        if ($rb =~ "<CmdType>Alarm</CmdType>") {{
            $var(sn) = $(rb{{re.subst,/.*<SN>([0-9]+)<.*/\1/s}});
            $uac_req(method) = "MESSAGE";
            $uac_req(ruri) = "sip:" + $fU + "@" + $si + ":" + $sp + ";transport=" + $proto;
            $uac_req(furi) = $tu;
            $uac_req(turi) = $fu;
            $uac_req(hdrs) = "Content-Type: Application/MANSCDP+xml\r\n";
            $uac_req(body) = "{_SAID}";
            uac_req_send();
        }}
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"""


@contextmanager
def kamailio(algorithm: str) -> Iterator[int]:
    """Run one with Digest of ``algorithm``; the value is its port, the same by UDP and TCP."""
    program = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("no kamailio: install Debian's package of that name")
    port = free_port(0)
    modules = next(Path("/usr/lib").glob("*/kamailio/modules"), Path("/usr/lib/kamailio/modules"))
    lines = ["#!KAMAILIO", "debug=0", "log_stderror=yes", "children=1", "tcp_children=1", "auto_aliases=no"]
    lines += [f"listen={way}:127.0.0.1:{port}" for way in ("udp", "tcp")]
    lines += [f'mpath="{modules}/"', *(f'loadmodule "{name}.so"' for name in _MODULES)]
    lines += [f'modparam("auth", "algorithm", "{algorithm}")', 'modparam("uac", "restore_mode", "none")']
    with tempfile.TemporaryDirectory() as folder:
        config, log = Path(folder, "kamailio.cfg"), Path(folder, "log")
        config.write_text("\n".join([*lines, _ROUTES]))
        command = [program, "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-w", folder]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "-P", f"{folder}/pid", "-Y", folder], stdout=file, stderr=file
            )
        try:
            _await(process, port, log)
            yield port
        finally:
            process.terminate()
            process.wait(_START_S)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, f"no Kamailio: {log.read_text()}"
        assert time.monotonic() < deadline, "Kamailio does not listen"
        time.sleep(0.02)
