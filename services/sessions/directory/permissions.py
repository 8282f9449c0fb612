"""Who may do what: one table, read as PERM-1 to PERM-8 say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.events.staff import Feature, Role, StaffAccess
from shared.web.problems import ForbiddenProblem


class Action(StrEnum):
    """What is done to an instance, its templates and its sessions."""

    CHANGE_SETTINGS = "change the settings"
    MANAGE_DIRECTORY = "manage staff and locations, and import"
    MANAGE_PATIENTS = "change patients and their care teams"
    SEE_PATIENTS = "see patients and caseloads"
    MANAGE_TEMPLATES = "manage group session templates and schedules"
    ASSIGN_SCHEDULES = "assign schedules to patients"
    SEE_SESSIONS = "see group sessions"
    START_OWN_OR_UNASSIGNED = "start a session that is your own or unassigned"
    START_ANY = "start any session"
    SEE_DISCARDED = "read what was discarded of a session"
    REVIEW = "review a session"
    LOOK_AFTER_DELIVERIES = "look after deliveries that failed"
    REVIEW_EMERGENCIES = "see and review emergency access"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Any one of these roles or features is enough."""

    roles: frozenset[Role] = frozenset()
    features: frozenset[Feature] = frozenset()


_ADMINS: Final = frozenset({Role.SUPER_ADMIN, Role.RECORDS_ADMIN})
_LEADING: Final = frozenset({Role.THERAPIST, Role.CASE_MANAGER, Role.OTHER_THERAPIST})

PERMISSIONS: Final[Mapping[Action, Grant]] = {
    # SET-1
    Action.CHANGE_SETTINGS: Grant(roles=frozenset({Role.SUPER_ADMIN})),
    Action.MANAGE_DIRECTORY: Grant(roles=frozenset({Role.SUPER_ADMIN})),
    Action.MANAGE_PATIENTS: Grant(roles=_ADMINS),
    # PERM-7: who plans or leads groups finds patients here; all other roles find them in the charts.
    Action.SEE_PATIENTS: Grant(
        roles=_ADMINS | _LEADING,
        features=frozenset({Feature.MANAGE_GROUP_SESSIONS, Feature.MANAGE_GROUP_SESSION_TEMPLATES}),
    ),
    # TPL-1
    Action.MANAGE_TEMPLATES: Grant(
        roles=frozenset({Role.SUPER_ADMIN}),
        features=frozenset({Feature.MANAGE_TEMPLATES, Feature.MANAGE_GROUP_SESSION_TEMPLATES}),
    ),
    Action.ASSIGN_SCHEDULES: Grant(
        roles=_ADMINS | _LEADING,
        features=frozenset({Feature.MANAGE_GROUP_SESSIONS, Feature.MANAGE_GROUP_SESSION_TEMPLATES}),
    ),
    # PERM-7: all other roles see no session; a reviewer sees what waits for review.
    Action.SEE_SESSIONS: Grant(
        roles=_ADMINS | _LEADING,
        features=frozenset({Feature.MANAGE_GROUP_SESSIONS, Feature.REVIEW_GROUP_SESSIONS}),
    ),
    # PERM-2
    Action.START_OWN_OR_UNASSIGNED: Grant(
        roles=_ADMINS | _LEADING, features=frozenset({Feature.MANAGE_GROUP_SESSIONS})
    ),
    # PERM-1
    Action.START_ANY: Grant(roles=_ADMINS),
    # DOC-6
    Action.SEE_DISCARDED: Grant(roles=_ADMINS),
    Action.REVIEW_EMERGENCIES: Grant(roles=_ADMINS),
    # SIGN-3
    Action.REVIEW: Grant(features=frozenset({Feature.REVIEW_GROUP_SESSIONS})),
    Action.LOOK_AFTER_DELIVERIES: Grant(roles=frozenset({Role.SUPER_ADMIN})),
}


def may(access: StaffAccess, action: Action) -> bool:
    """Whether a user may do it."""
    grant = PERMISSIONS[action]
    return access.active and bool(access.roles & grant.roles or access.features & grant.features)


def is_super_admin(access: StaffAccess) -> bool:
    """Whether a user is one who can do anything for the instance now."""
    return access.active and Role.SUPER_ADMIN in access.roles


def require(access: StaffAccess, action: Action) -> None:
    """Let the user pass, or raise `ForbiddenProblem` that says what is missing (PERM-8)."""
    if not may(access, action):
        raise ForbiddenProblem(f"To {action}, one of these roles or features is needed: {names_for(action)}.")


def names_for(action: Action) -> str:
    """List the roles and features any one of which is enough."""
    grant = PERMISSIONS[action]
    return ", ".join(sorted([*grant.roles, *grant.features]))
