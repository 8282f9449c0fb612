"""KEDA's kinds (`keda.sh/v1alpha1`) as far as our manifests use them: whatever else is in one is an error.

Written from its documentation; kubectl asks the cluster for the whole of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Named = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Number = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]
"""Values of a trigger are all text."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Reference(_Part):
    name: Named


class _OnDatabase(_Part):
    query: str
    targetQueryValue: Number  # noqa: N815 - KEDA's own name


class _Trigger(_Part):
    type: Literal["postgresql"]
    metadata: _OnDatabase
    authenticationRef: _Reference  # noqa: N815


class _Scaling(_Part):
    scaleTargetRef: _Reference  # noqa: N815
    minReplicaCount: Annotated[int, Field(ge=0)]  # noqa: N815
    maxReplicaCount: Annotated[int, Field(ge=1)]  # noqa: N815
    pollingInterval: Annotated[int, Field(ge=1)]  # noqa: N815
    cooldownPeriod: Annotated[int, Field(ge=0)]  # noqa: N815
    triggers: Annotated[list[_Trigger], Field(min_length=1)]


class _Secret(_Part):
    parameter: Literal["connection"]
    name: Named
    key: str


class _Authentication(_Part):
    secretTargetRef: Annotated[list[_Secret], Field(min_length=1)]  # noqa: N815


KINDS: Final[Mapping[str, type[_Part]]] = {"ScaledObject": _Scaling, "TriggerAuthentication": _Authentication}


def problems_of_keda(documents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what is wrong with KEDA's kinds among all that is applied, references to others included."""
    there = {(one["kind"], one["metadata"]["name"]) for one in documents}
    for one in documents:
        if not is_of_keda(one):
            continue
        whose = f"{one['kind']} {one['metadata']['name']}"
        try:
            spec = KINDS[one["kind"]].model_validate(one["spec"])
        except (KeyError, ValidationError) as error:
            yield f"{whose}: {error}"
        else:
            yield from (f"{whose}: there is no {kind} {name}" for kind, name in _meant(spec) - there)


def is_of_keda(document: Mapping[str, Any]) -> bool:
    """Whether a document is no part of Kubernetes itself."""
    return str(document["apiVersion"]) == "keda.sh/v1alpha1"


def _meant(spec: _Part) -> set[tuple[str, str]]:
    if not isinstance(spec, _Scaling):
        return set()
    by = {("TriggerAuthentication", one.authenticationRef.name) for one in spec.triggers}
    return {("Deployment", spec.scaleTargetRef.name)} | by
