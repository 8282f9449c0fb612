"""The API's shapes of the directory."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from services.sessions.directory.domain import is_npi
from shared.events.sheet import Paper
from shared.events.staff import Feature, Role
from shared.web.cursors import DEFAULT_PAGE, LARGEST_PAGE
from shared.web.shapes import UNSTORABLE, Day, Shape, Storable, TimeZone, Title

MIN_PASSWORD_CHARACTERS = 15
"""NIST SP 800-63B-4 for a password that is the only factor; nothing is said of its characters."""
PASSWORD_CHARACTERS_AT_MOST = 500
TEAM_AT_MOST = 50


def _writable(password: SecretStr) -> SecretStr:
    if UNSTORABLE.search(password.get_secret_value()):
        message = "must not contain the NUL character or half of a surrogate pair"
        raise ValueError(message)
    return password


def _npi(number: str) -> str:
    if not is_npi(number):
        message = "must be a National Provider Identifier: ten digits, the last one a check digit"
        raise ValueError(message)
    return number


Password = Annotated[SecretStr, AfterValidator(_writable)]
NewPassword = Annotated[
    Password, Field(min_length=MIN_PASSWORD_CHARACTERS, max_length=PASSWORD_CHARACTERS_AT_MOST)
]
Npi = Annotated[str, Field(max_length=10), AfterValidator(_npi)]
Mrn = Annotated[Storable, Field(min_length=1, max_length=64)]
Credentials = Annotated[Storable, Field(min_length=1, max_length=100)]


ExternalSubjectText = Annotated[Storable, Field(min_length=1, max_length=255)]
"""OpenID Connect Core 2: a `sub` has 255 characters at most."""


class Access(Shape):
    """All roles and features that a user has from now on."""

    roles: frozenset[Role] = frozenset()
    features: frozenset[Feature] = frozenset()


class NewLogin(Shape):
    """A login for a member of staff."""

    login: Annotated[Storable, Field(min_length=3, max_length=200)]
    password: NewPassword


class Change(Shape):
    """Fields to change; those that are left out stay. Null empties a field, where it may be empty."""

    NEVER_EMPTY: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="wrap")
    @classmethod
    def _stated(cls, given: Any, handler: Any) -> Self:
        if isinstance(given, Mapping):
            for name in cls.NEVER_EMPTY:
                if name in given and given[name] is None:
                    raise PydanticCustomError("empty", "{name} can't be null; leave it out", {"name": name})
        changed: Self = handler(given)
        return changed

    def stated(self) -> dict[str, Any]:
        """Give what was written, and nothing else."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewLocation(Shape):
    """A new facility."""

    name: Title
    time_zone: TimeZone
    paper: Paper | None = None
    """Null: Letter in North America, A4 elsewhere."""


class LocationChange(Change):
    """What is to be changed of a location."""

    NEVER_EMPTY = frozenset({"name", "time_zone"})

    name: Title | None = None
    time_zone: TimeZone | None = None
    paper: Paper | None = None


class NewStaffMember(Shape):
    """A new member of staff; what they may do is set apart."""

    first_name: Title
    last_name: Title
    credentials: Credentials | None = None
    npi: Npi | None = None
    external_subject: ExternalSubjectText | None = None
    """The issuer's own name for the user, where its tokens carry that and not the id of OpenCircle."""
    active: bool = True


class StaffChange(Change):
    """What is to be changed of a member of staff."""

    NEVER_EMPTY = frozenset({"first_name", "last_name", "active"})

    first_name: Title | None = None
    last_name: Title | None = None
    credentials: Credentials | None = None
    npi: Npi | None = None
    external_subject: ExternalSubjectText | None = None
    active: bool | None = None


class NewPatient(Shape):
    """A new patient."""

    mrn: Mrn
    first_name: Title
    middle_name: Title | None = None
    last_name: Title
    preferred_name: Title | None = None
    birth_date: Day | None = None
    deceased_on: Day | None = None
    admitted_on: Day | None = None
    discharged_on: Day | None = None
    location_id: UUID | None = None


class PatientChange(Change):
    """What is to be changed of a patient."""

    NEVER_EMPTY = frozenset({"mrn", "first_name", "last_name"})

    mrn: Mrn | None = None
    first_name: Title | None = None
    middle_name: Title | None = None
    last_name: Title | None = None
    preferred_name: Title | None = None
    birth_date: Day | None = None
    deceased_on: Day | None = None
    admitted_on: Day | None = None
    discharged_on: Day | None = None
    location_id: UUID | None = None


class PatientSearch(Shape):
    """Which patients are looked for; what is left out does not matter."""

    name: Title | None = None
    """The beginning of the first, the last or the preferred name, in any case."""
    mrn: Mrn | None = None
    location_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = DEFAULT_PAGE
    cursor: Annotated[Storable, Field(max_length=1000)] | None = None


class TeamMember(Shape):
    """One who looks after a patient."""

    user_id: UUID
    primary_therapist: bool = False


class CareTeam(Shape):
    """All who look after a patient from now on; one of them at most as Primary Therapist."""

    members: Annotated[tuple[TeamMember, ...], Field(max_length=TEAM_AT_MOST)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({one.user_id for one in self.members}) < len(self.members):
            raise PydanticCustomError("doubled", "members must name nobody twice")
        if sum(one.primary_therapist for one in self.members) > 1:
            raise PydanticCustomError("two_primaries", "members must have one primary_therapist at most")
        return self
