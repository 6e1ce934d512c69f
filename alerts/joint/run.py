"""Running the joint test cases of a receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from alerts.channels import gat1400, webhook
from alerts.joint import gat1400 as library_cases
from alerts.joint import webhook as webhook_cases
from alerts.joint.case import Verdict, tried
from alerts.notice_settings import NoticeConfig
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.stanza import one_of

CASES = range(1, 21)
KINDS = (gat1400.Config, webhook.Config)
"""Stanzas of the receivers that have cases."""


async def verdicts(
    config: Config, settings: NoticeConfig, camera: str, only: Collection[int], clock: Clock
) -> AsyncIterator[Verdict]:
    """Run the cases of the numbers ``only``, all of them where it is empty, and yield what becomes of each.

    LookupError if a secret cannot be read; ValueError where tests must not be sent.
    """
    run: library_cases.Run | webhook_cases.Run
    if isinstance(settings, gat1400.Config):
        if not settings.takes_trials:
            raise ValueError(
                "takes_trials: found false; allowed: true for the time of the joint test, "
                "where nobody goes out for what the library gets: it has no mark for tests"
            )
        run = library_cases.Run(config, settings, camera, clock)
    else:
        assert isinstance(settings, webhook.Config)  # noqa: S101 - KINDS has no other
        run = webhook_cases.Run(config, settings, camera, clock)
    try:
        for case in run.cases():
            if not only or case.number in only:
                yield await tried(case, run.heard, run.clean_up)
    finally:
        await run.close()


def camera_for(config: Config, settings: NoticeConfig, wanted: str | None) -> str:
    """Return the camera that cases are about: ``wanted``, or one with a code, at a tollgate if there is one.

    LookupError where there is none such.
    """
    coded = isinstance(settings, gat1400.Config)
    usable = [
        n for n, camera in config.cameras.items() if camera.enabled and (camera.device_code or not coded)
    ]
    if wanted is not None:
        if wanted not in usable:
            raise LookupError(f"camera: found {wanted!r}; allowed: {one_of(usable)}")
        return wanted
    if not usable:
        raise LookupError("cameras: none is enabled, or none has a device_code; allowed: at least one")
    gates = getattr(settings, "tollgates", {})
    return next((name for name in usable if name in gates), usable[0])
