"""The API's shapes of the directory."""

from typing import Annotated

from pydantic import Field, SecretStr

from shared.events.staff import Feature, Role
from shared.web.shapes import Shape, Storable

MIN_PASSWORD_CHARACTERS = 12


class LogIn(Shape):
    """A login of the built-in issuer."""

    login: Annotated[Storable, Field(min_length=1, max_length=200)]
    password: Annotated[SecretStr, Field(max_length=500)]


class Access(Shape):
    """All roles and features that a user has from now on."""

    roles: frozenset[Role] = frozenset()
    features: frozenset[Feature] = frozenset()


class NewLogin(Shape):
    """A login for a member of staff."""

    login: Annotated[Storable, Field(min_length=3, max_length=200)]
    password: Annotated[SecretStr, Field(min_length=MIN_PASSWORD_CHARACTERS, max_length=500)]
