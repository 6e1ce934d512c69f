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
        list_plates list_plate_hits list_rules list_rule_forms check_rule show_rule_history show_week
        list_zones list_lines list_suppressions list_trials show_broadcasts
        show_statistics export_statistics
        list_receivers list_dead_letters list_guests list_looks preview_guest
        list_recordings hear_recording show_backtest show_backtest_frame
        list_quiets show_sound_test answer_sound_test list_sound_tests
        list_walk_tests show_walk_test export_walk_tests
        list_audibility_tests export_audibility_tests show_coverage
        list_handovers show_standing show_handover show_map show_plan show_tile openapi_document unknown
        list_speakers list_calls show_standstill
    """,
    # A worker acts on what is assigned to them or their cell: alerts.actions holds them to it.
    FIELD: "act_on_incident add_photo speak hush start_walk_test finish_walk_test say_heard",
    STAFF: """
        press_profile_key release_profile_key restore_version switch_camera switch_rule
        search_plates export_plates add_plate change_plate remove_plate take_plates_back
        check_plates import_plates
        change_rule take_rule_back change_zone take_zone_back change_line take_line_back
        suppress lift_suppression sign_off_trial enable_receiver replay_deliveries
        invite revoke_invitation withdraw_guest pause_guest resume_guest renew_owner_link
        start_backtest end_backtest say_quiet lift_quiet offer_handover take_handover withdraw_handover
        stop_everything end_standstill stop_speaker make_call stop_call begin_voice send_sound end_voice
        change_hours
        keep_recording take_recording_back show_dispositions
        upload_plan place_plan take_plan_away
        list_exports list_waiting ask_export decide_export fetch_export
    """,
    OVERSIGHT: "show_day_of_receiver show_health",
    AUDIT: "list_audit export_audit",
    ADMINISTRATION: "list_people add_person change_person lock_person unlock_person give_new_password",
}
NEEDS: Mapping[str, Roles] = {name: roles for roles, names in _TABLE.items() for name in names.split()}
"""Who may ask for an operation, by its name."""
_BEFORE_A_PASSWORD = frozenset({"show_session", "logout", "change_password"})


def allowed(names: Names, passwords: Passwords) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return a dependency of routes that answers 403 to whoever may not."""

    async def check(request: Request, user: CurrentSession) -> None:
        operation = request.scope["route"].name
        if passwords.must_change(user.operator) and operation not in _BEFORE_A_PASSWORD:
            raise ApiError(HTTPStatus.FORBIDDEN, "new_password_needed", "choose a password of your own first")
        role = names.role(user.operator)
        if role not in NEEDS.get(operation, STAFF):
            code = "operators_only" if request.method == "GET" else "not_yours"
            raise ApiError(HTTPStatus.FORBIDDEN, code, f"{operation} is not for the role {role}")

    return check
