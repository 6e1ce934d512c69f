"""Who may ask for what: one table of the operations of the API that stand behind a session.

What is missing here is for operators and administrators alone, until somebody has thought of it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request

from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.passwords import Passwords
from alerts.api.problems import ApiError
from lianfang.config.api import Role

Roles = frozenset[Role]

EVERYBODY: Roles = frozenset({"administrator", "operator", "worker", "viewer", "auditor"})
STAFF: Roles = frozenset({"administrator", "operator"})
FIELD: Roles = STAFF | {"worker"}
OVERSIGHT: Roles = STAFF | {"viewer", "auditor"}
AUDIT: Roles = frozenset({"administrator", "auditor"})
ADMINISTRATION: Roles = frozenset({"administrator"})

_TABLE: Mapping[Roles, str] = {
    EVERYBODY: """
        login logout show_session change_password
        list_incidents show_incident picture clip photo follow_events
        list_cameras list_camera_details show_camera_history look_live show_picture show_playback
        show_community show_profiles show_settings show_version
        show_statistics export_statistics
