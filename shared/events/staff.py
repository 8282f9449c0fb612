"""Who may do what, as every service keeps it: roles and features come from the directory (PERM)."""

from enum import StrEnum
from uuid import UUID

from shared.events.contract import Contract


class Role(StrEnum):
    """Roles of staff, as the setup guide names them."""

    SUPER_ADMIN = "super_admin"
    RECORDS_ADMIN = "records_admin"
    THERAPIST = "therapist"
    CASE_MANAGER = "case_manager"
    OTHER_THERAPIST = "other_therapist"
    DOCTOR = "doctor"
    NURSE = "nurse"
    TECH = "tech"
    FRONT_OFFICE = "front_office"


class Feature(StrEnum):
    """Single permissions that need no role."""

    MANAGE_TEMPLATES = "manage_templates"
    MANAGE_GROUP_SESSION_TEMPLATES = "manage_group_session_templates"
    MANAGE_GROUP_SESSIONS = "manage_group_sessions"
    REQUIRES_GROUP_SESSION_REVIEW = "requires_group_session_review"
    REVIEW_GROUP_SESSIONS = "review_group_sessions"
    MANAGE_BILLING = "manage_billing"


class Scope(StrEnum):
    """What a service account may do. No scope writes anything."""

    CHARGES_READ = "charges:read"
    CHARTS_READ = "charts:read"


class ExternalSubject(Contract):
    """Who a user is to an issuer of access tokens that knows nothing of OpenCircle's ids."""

    issuer: str
    subject: str


class StaffAccess(Contract):
    """What one user may do from `version` on; an older version arriving late changes nothing.

    A service account has scopes and neither roles nor features; staff have no scopes.
    """

    user_id: UUID
    version: int
    active: bool
    roles: frozenset[Role]
    features: frozenset[Feature]
    external: ExternalSubject | None = None
    """None: access tokens name the user by `user_id`."""
    scopes: frozenset[Scope] = frozenset()


class StaffAccessChanged(Contract):
    """Users whose roles, features or standing changed together."""

    members: tuple[StaffAccess, ...]
