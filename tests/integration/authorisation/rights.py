"""Who may use which route: every route of every service is here, or a test fails.

A letter for each of the cast, in the order of `STAFF`: Ada (Super Admin), Rosa (Records Admin), Margaret
(therapist), Tom (case manager), Ivy (therapist under review), rUth (reviewer), Frank (Manage Group Sessions),
teSs (templates), Nora (nurse), Dora (doctor), faY (front office).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

LETTERS: Final = {
    "A": "Ada", "R": "Rosa", "M": "Margaret", "T": "Tom", "I": "Ivy", "U": "Ruth",
    "F": "Frank", "S": "Tess", "N": "Nora", "D": "Dora", "Y": "Fay",
}  # fmt: skip

ALL: Final = "ARMTIUFSNDY"
OPEN: Final = ""
"""Without a token: what it asks for instead is shown where it is tested."""

SOMEBODY: Final = UUID("018f0000-0000-7000-8000-00000000dead")
"""An id that nobody has."""


@dataclass(frozen=True, kw_only=True)
class Right:
    """Who may, with a body that is well formed."""

    who: str
    body: Any = None
    query: str = ""

    @property
    def names(self) -> set[str]:
        return {LETTERS[letter] for letter in self.who}


def _may(who: str, body: Any = None, query: str = "") -> Right:
    return Right(who=who, body=body, query=query)


_ID, _DAY = str(SOMEBODY), str(date(2026, 3, 10))
_REASON = {"reason": "A reason"}
_PLACE = {"name": "Annex", "time_zone": "America/Chicago"}
_TEMPLATE = {
    "location_ids": [_ID],
    "title": "Process Group",
    "first_on": _DAY,
    "starts_at": "09:00",
    "duration_minutes": 50,
    "recurrence": "FREQ=WEEKLY;BYDAY=TU",
}
_OCCURRENCES = [{"template_id": _ID, "weekday": 2}]
_CODE = {"kind": "ccode", "code": "90853", "description": "Group", "effective_on": "2020-01-01"}
_PASSWORDS = {"old_password": "x", "new_password": "battery staple correct"}
_PASSWORD = {"new_password": "battery staple correct"}
_ACCOUNT = {"name": "Ledger", "scopes": ["charges:read"], "external_subject": "ledger"}
_FRONT_END = {"name": "Front desk", "redirect_uris": ["https://desk.riverbend.test/back"]}
_LOGIN = {"login": "somebody", "password": "battery staple correct"}
_PERSON = {"first_name": "New", "last_name": "Member"}

DIRECTORY: Final = "A"
RECORDS: Final = "AR"
PLANNERS: Final = "ARMTIFS"
TEMPLATES: Final = "AS"
SESSIONS: Final = "ARMTIUF"

_SESSION = "/v1/group-sessions/{session_id}"
# With ALL, these routes have looked for the session first, and nobody finds one that is not there. Who is
# refused on a session that is there: `REFUSED_ON_MARGARETS`.

RIGHTS: Final[dict[str, dict[str, Right]]] = {
    "sessions": {
        "GET /.well-known/jwks.json": _may(OPEN),
        "GET /.well-known/oauth-authorization-server": _may(OPEN),
        "GET /.well-known/openid-configuration": _may(OPEN),
        "GET /oauth/authorize": _may(OPEN),
        "POST /oauth/authorize": _may(OPEN),
        "POST /oauth/revocation": _may(OPEN),
        "POST /oauth/token": _may(OPEN),
        "POST /v1/token": _may(OPEN, {"login": "nobody", "password": "x"}),
        "GET /v1/log-ins": _may(ALL),
        "DELETE /v1/log-ins/{log_in_id}": _may(ALL),
        "GET /v1/emergency-accesses": _may(ALL),
        "POST /v1/emergency-accesses": _may(ALL, {"patient_id": _ID, "reason": "Found unconscious."}),
        "POST /v1/emergency-accesses/{access_id}/end": _may(ALL),
        "POST /v1/emergency-accesses/{access_id}/review": _may(RECORDS),
        "GET /v1/front-ends": _may(DIRECTORY),
        "POST /v1/front-ends": _may(DIRECTORY, _FRONT_END),
        "POST /v1/front-ends/{front_end_id}/end": _may(DIRECTORY),
        "GET /v1/service-accounts": _may(DIRECTORY),
        "POST /v1/service-accounts": _may(DIRECTORY, _ACCOUNT),
        "POST /v1/service-accounts/{account_id}/end": _may(DIRECTORY),
        "GET /v1/settings": _may(ALL),
        "PATCH /v1/settings": _may("A", {}),
        "GET /v1/directory/me": _may(ALL),
        "PUT /v1/directory/me/password": _may(ALL, _PASSWORDS),
        "POST /v1/directory/imports": _may(DIRECTORY),
        "GET /v1/directory/locations": _may(ALL),
        "POST /v1/directory/locations": _may(DIRECTORY, _PLACE),
        "GET /v1/directory/locations/{location_id}": _may(ALL),
        "PATCH /v1/directory/locations/{location_id}": _may(DIRECTORY, {"name": "Changed"}),
        "GET /v1/directory/staff": _may(ALL),
        "POST /v1/directory/staff": _may(DIRECTORY, _PERSON),
        "GET /v1/directory/staff/{user_id}": _may(ALL),
        "PATCH /v1/directory/staff/{user_id}": _may(DIRECTORY, {"active": False}),
        "PUT /v1/directory/staff/{user_id}/access": _may(DIRECTORY, {"roles": []}),
        "GET /v1/directory/staff/{user_id}/caseload": _may(PLANNERS),
        "PUT /v1/directory/staff/{user_id}/login/password": _may(DIRECTORY, _PASSWORD),
        "PUT /v1/directory/staff/{user_id}/login": _may(DIRECTORY, _LOGIN),
        "POST /v1/directory/staff/{user_id}/login/unlock": _may(DIRECTORY),
        "GET /v1/directory/patients": _may(PLANNERS),
        "POST /v1/directory/patients": _may(RECORDS, _PERSON | {"mrn": "X-1"}),
        "POST /v1/directory/patients/search": _may(PLANNERS, {"name": "a"}),
        "GET /v1/directory/patients/{patient_id}": _may(PLANNERS),
        "PATCH /v1/directory/patients/{patient_id}": _may(RECORDS, {"preferred_name": "Changed"}),
        "GET /v1/directory/patients/{patient_id}/care-team": _may(PLANNERS),
        "PUT /v1/directory/patients/{patient_id}/care-team": _may(RECORDS, {"members": []}),
        "GET /v1/templates": _may(ALL),
        "POST /v1/templates": _may(TEMPLATES, _TEMPLATE),
        "GET /v1/templates/{template_id}": _may(ALL),
        "PUT /v1/templates/{template_id}": _may(TEMPLATES, _TEMPLATE),
        "DELETE /v1/templates/{template_id}": _may(TEMPLATES),
        "PUT /v1/templates/{template_id}/occurrences/{on}": _may(TEMPLATES, {"cancelled": True}),
        "DELETE /v1/templates/{template_id}/occurrences/{on}": _may(TEMPLATES),
        "GET /v1/schedules": _may(ALL),
        "POST /v1/schedules": _may(
            TEMPLATES, {"location_id": _ID, "title": "Days", "occurrences": _OCCURRENCES}
        ),
        "GET /v1/schedules/{schedule_id}": _may(ALL),
        "PUT /v1/schedules/{schedule_id}": _may(TEMPLATES, {"title": "Days", "occurrences": _OCCURRENCES}),
        "DELETE /v1/schedules/{schedule_id}": _may(TEMPLATES),
        "POST /v1/schedules/{schedule_id}/assignments": _may(
            PLANNERS, {"patient_ids": [_ID], "starts_on": _DAY}
        ),
        "POST /v1/assignments": _may(PLANNERS, {"patient_ids": [_ID], "template_ids": [_ID]}),
        "GET /v1/assignments/{assignment_id}": _may(PLANNERS),
        "PATCH /v1/assignments/{assignment_id}": _may(PLANNERS, {"ends_on": _DAY}),
        "DELETE /v1/assignments/{assignment_id}": _may(PLANNERS),
        "GET /v1/patients/{patient_id}/assignments": _may(PLANNERS),
        "GET /v1/patients/{patient_id}/schedule": _may(PLANNERS),
        "GET /v1/calendar-feeds": _may(SESSIONS),
        "POST /v1/calendar-feeds": _may(PLANNERS, {"patient_id": _ID}),
        "DELETE /v1/calendar-feeds/{feed_id}": _may(ALL),
        "GET /v1/stream": _may(SESSIONS),
        "GET /v1/worklists/{kind}": _may(SESSIONS),
        "GET /v1/deliveries/parked": _may("A"),
        "GET /v1/deliveries/{delivery_id}": _may("A"),
        "POST /v1/deliveries/retry": _may("A", {"delivery_id": _ID}),
        "POST /v1/deliveries/skip": _may("A", {"delivery_id": _ID} | _REASON),
        "POST /v1/sign-in-sheets": _may(SESSIONS, {"session_id": _ID}),
        "GET /v1/group-sessions": _may(SESSIONS, query=f"?location_id={_ID}&date={_DAY}"),
        "POST /v1/group-sessions/generation": _may(TEMPLATES, {"since": _DAY, "until": _DAY}),
        f"GET {_SESSION}": _may(SESSIONS),
        f"GET {_SESSION}/document": _may(SESSIONS),
        f"GET {_SESSION}/history": _may(SESSIONS),
        f"GET {_SESSION}/history/{{discarded_id}}": _may(RECORDS),
        f"GET {_SESSION}/pre-sign-check": _may(ALL),
        f"GET {_SESSION}/verification": _may(SESSIONS),
        f"POST {_SESSION}/start": _may(ALL),
        f"PUT {_SESSION}/attendance": _may(ALL, {"rest": "present"}),
        f"PUT {_SESSION}/group-note": _may(ALL, {"topic": "Changed"}),
        f"PUT {_SESSION}/leaders": _may(ALL, {"leader_ids": [_ID]}),
        f"PUT {_SESSION}/roster/{{patient_id}}": _may(ALL),
        f"POST {_SESSION}/roster/{{patient_id}}/removal": _may(ALL, _REASON),
        f"PUT {_SESSION}/roster/{{patient_id}}/note": _may(ALL, {"text": "Changed"}),
        f"GET {_SESSION}/roster/{{patient_id}}/annotations": _may(SESSIONS),
        f"POST {_SESSION}/roster/{{patient_id}}/annotations": _may(ALL, {"text": "Changed"}),
        f"POST {_SESSION}/sign-in-sheet": _may(SESSIONS),
        f"POST {_SESSION}/signatures": _may(ALL, {}),
        f"POST {_SESSION}/return": _may(ALL, _REASON),
        f"POST {_SESSION}/reopening": _may(ALL, _REASON),
        f"POST {_SESSION}/deletion": _may(ALL, _REASON),
        f"POST {_SESSION}/restoration": _may(ALL),
    },
    "charts": {
        "GET /v1/charts/fhir/metadata": _may(OPEN),
        "GET /v1/charts/fhir/{kind}": _may("ARMTIND", query=f"?patient={_ID}"),
        "GET /v1/charts/fhir/{kind}/{note_id}": _may("ARMTIND"),
        "GET /v1/charts/notes/{note_id}": _may("ARMTIND"),
        "GET /v1/charts/notes/{note_id}.html": _may("ARMTIND"),
        "GET /v1/charts/notes/{note_id}/history": _may("ARMTIND"),
        "GET /v1/charts/patients/{patient_id}/attendance": _may("ARMTIND"),
        "GET /v1/charts/patients/{patient_id}/notes": _may("ARMTIND"),
        "GET /v1/charts/patients/{patient_id}/tabs": _may("ARMTIND"),
        "GET /v1/charts/sessions/{session_id}/filing": _may(RECORDS),
        "GET /v1/charts/sessions/{session_id}/individual-notes": _may(SESSIONS),
        "GET /v1/charts/tabs": _may("ARMTIND"),
        "POST /v1/charts/tabs": _may("A", {"kind": "group_sessions", "name": "Groups"}),
        "GET /v1/charts/tabs/{tab_id}": _may("ARMTIND"),
        "PUT /v1/charts/tabs/{tab_id}": _may(
            "A", {"enabled": True, "location_ids": [], "name": "Groups", "order": 1}
        ),
        "DELETE /v1/charts/tabs/{tab_id}": _may("A"),
    },
    "billing_bridge": {
        "GET /v1/billing/charges": _may("A"),
        "GET /v1/billing/charges/{charge_id}": _may("A"),
        "POST /v1/billing/charges/{charge_id}/cancel": _may("A", _REASON),
        "POST /v1/billing/charges/{charge_id}/confirm": _may("A", _REASON),
        "POST /v1/billing/charges/{charge_id}/hold": _may("A", _REASON),
        "POST /v1/billing/charges/{charge_id}/release": _may("A", _REASON),
        "GET /v1/billing/codes": _may("A"),
        "POST /v1/billing/codes": _may("A", _CODE),
        "POST /v1/billing/codes/import": _may(
            "A", "kind,code,description,effective_on\nccode,90853,Group,2020-01-01\n"
        ),
        "GET /v1/billing/codes/{code_id}": _may("A"),
        "PUT /v1/billing/codes/{code_id}": _may("A", _CODE),
        "GET /v1/billing/connections": _may("A"),
        "PUT /v1/billing/connections/{system}": _may("A", {"url": "http://127.0.0.1:9/charges"}),
        "POST /v1/billing/connections/{system}/pause": _may("A", _REASON),
        "POST /v1/billing/connections/{system}/resume": _may("A"),
        "GET /v1/billing/counts": _may("A"),
        "GET /v1/billing/patients/{patient_id}/disclosures": _may(RECORDS),
        "GET /v1/billing/reconciliation": _may("A", query=f"?on={_DAY}"),
        "GET /v1/billing/reconciliation.csv": _may("A", query=f"?on={_DAY}"),
        "GET /v1/billing/report": _may("A", query=f"?since={_DAY}"),
        "GET /v1/billing/report.csv": _may("A", query=f"?since={_DAY}"),
        "GET /v1/billing/worklist": _may("A"),
        "POST /v1/billing/worklist/cancel": _may("A", _REASON),
        "POST /v1/billing/worklist/release": _may("A", _REASON),
    },
    "printing": {
        "POST /v1/printing/attendance-records": _may(SESSIONS, {"session_id": _ID}),
        "POST /v1/printing/chart-notes": _may("ARMTIND", {"documentation_id": _ID, "patient_id": _ID}),
        "GET /v1/printing/counts": _may("ARMTIFY"),
        "GET /v1/printing/jobs/{job_id}": _may("ARMTIUFNDY"),
        "GET /v1/printing/jobs/{job_id}/file": _may("ARMTIUFNDY"),
    },
}

IDS: Final[dict[str, Any]] = dict.fromkeys(
    [
        "session_id", "schedule_id", "patient_id", "user_id", "template_id", "assignment_id", "feed_id",
        "discarded_id", "location_id", "log_in_id", "access_id", "delivery_id", "account_id",
        "front_end_id",
        "note_id", "tab_id", "charge_id", "code_id", "job_id",
    ],
    SOMEBODY,
) | {"on": _DAY, "kind": "not_started", "fhir_kind": "DocumentReference", "system": "webhook"}  # fmt: skip

SCOPED: Final[dict[str, set[str]]] = {
    "charges:read": {
        "GET /v1/billing/charges",
        "GET /v1/billing/charges/{charge_id}",
        "GET /v1/billing/reconciliation",
        "GET /v1/billing/reconciliation.csv",
        "GET /v1/billing/report",
        "GET /v1/billing/report.csv",
    },
    "charts:read": {"GET /v1/charts/fhir/{kind}", "GET /v1/charts/fhir/{kind}/{note_id}"},
}
"""All that a service account with the scope may use, of all services."""

REFUSED_ON_MARGARETS: Final[dict[str, str]] = {
    f"GET {_SESSION}": "SNDY",
    f"GET {_SESSION}/document": "SNDY",
    f"GET {_SESSION}/history": "SNDY",
    f"GET {_SESSION}/pre-sign-check": "TFSNDY",
    f"GET {_SESSION}/verification": "SNDY",
    f"POST {_SESSION}/sign-in-sheet": "SNDY",
    f"POST {_SESSION}/start": "TFSNDY",
    f"PUT {_SESSION}/attendance": "TFSNDY",
    f"PUT {_SESSION}/group-note": "TFSNDY",
    f"PUT {_SESSION}/leaders": "TFSNDY",
    f"PUT {_SESSION}/roster/{{patient_id}}": "TFSNDY",
    f"POST {_SESSION}/roster/{{patient_id}}/removal": "TFSNDY",
    f"PUT {_SESSION}/roster/{{patient_id}}/note": "TFSNDY",
    f"GET {_SESSION}/roster/{{patient_id}}/annotations": "SNDY",
    f"POST {_SESSION}/roster/{{patient_id}}/annotations": "SNDY",
    f"POST {_SESSION}/signatures": "TFSNDY",
    f"POST {_SESSION}/return": "TFSNDY",
    f"POST {_SESSION}/reopening": "TFSNDY",
    f"POST {_SESSION}/deletion": "TFSNDY",
    f"POST {_SESSION}/restoration": "TFSNDY",
}
"""Who may do nothing with a session in progress that Margaret leads, on each route that names a session."""


def ids_of(service: str) -> dict[str, Any]:
    """Give what stands in the paths of a service."""
    return IDS | ({"kind": IDS["fhir_kind"]} if service == "charts" else {})
