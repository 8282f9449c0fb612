from collections.abc import Iterable

import pytest

from services.sessions.directory.domain import BothReviewFeaturesError, check_features
from services.sessions.directory.permissions import PERMISSIONS, Action, may, require
from shared.events.staff import Feature, Role, StaffAccess
from shared.identifiers import new_id
from shared.web.problems import ForbiddenProblem

ADMINS = {Role.SUPER_ADMIN, Role.RECORDS_ADMIN}
LEADING = {Role.THERAPIST, Role.CASE_MANAGER, Role.OTHER_THERAPIST}
REVIEW_BOTH_WAYS = frozenset({Feature.REQUIRES_GROUP_SESSION_REVIEW, Feature.REVIEW_GROUP_SESSIONS})


def _access(
    *, roles: Iterable[Role] = (), features: Iterable[Feature] = (), active: bool = True
) -> StaffAccess:
    return StaffAccess(
        user_id=new_id(), version=1, active=active, roles=frozenset(roles), features=frozenset(features)
    )


def _roles_for(action: Action) -> set[Role]:
    return {role for role in Role if may(_access(roles=[role]), action)}


def _features_for(action: Action) -> set[Feature]:
    return {feature for feature in Feature if may(_access(features=[feature]), action)}


@pytest.mark.rule("PERM-1")
def test_admins_start_any_session() -> None:
    assert (_roles_for(Action.START_ANY), _features_for(Action.START_ANY)) == (ADMINS, set())


@pytest.mark.rule("PERM-2")
def test_own_and_unassigned_sessions_are_started_by_who_leads_groups() -> None:
    assert _roles_for(Action.START_OWN_OR_UNASSIGNED) == ADMINS | LEADING
    assert _features_for(Action.START_OWN_OR_UNASSIGNED) == {Feature.MANAGE_GROUP_SESSIONS}


@pytest.mark.rule("PERM-7")
@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.TECH, Role.FRONT_OFFICE])
def test_all_other_roles_do_nothing_with_sessions(role: Role) -> None:
    assert not [action for action in Action if may(_access(roles=[role]), action)]


@pytest.mark.rule("SET-1")
def test_settings_are_the_super_admins() -> None:
    assert _roles_for(Action.CHANGE_SETTINGS) == {Role.SUPER_ADMIN}
    assert _features_for(Action.CHANGE_SETTINGS) == set()


@pytest.mark.rule("TPL-1")
def test_templates_are_managed_by_super_admins_and_two_features() -> None:
    assert _roles_for(Action.MANAGE_TEMPLATES) == {Role.SUPER_ADMIN}
    wanted = {Feature.MANAGE_TEMPLATES, Feature.MANAGE_GROUP_SESSION_TEMPLATES}
    assert _features_for(Action.MANAGE_TEMPLATES) == wanted


@pytest.mark.rule("SIGN-3")
def test_no_role_reviews_without_the_feature() -> None:
    assert _roles_for(Action.REVIEW) == set()
    assert _features_for(Action.REVIEW) == {Feature.REVIEW_GROUP_SESSIONS}


def test_the_table_has_a_line_for_every_action() -> None:
    assert set(PERMISSIONS) == set(Action)


def test_who_is_not_active_may_do_nothing() -> None:
    everything = _access(roles=Role, features=Feature, active=False)
    assert not [action for action in Action if may(everything, action)]


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("action", Action)
def test_a_refusal_names_every_role_and_feature_that_would_do(action: Action) -> None:
    with pytest.raises(ForbiddenProblem) as refused:
        require(_access(), action)
    grant = PERMISSIONS[action]
    assert all(name in refused.value.detail for name in [*grant.roles, *grant.features])


@pytest.mark.rule("PERM-6")
def test_nobody_both_needs_and_gives_review() -> None:
    with pytest.raises(BothReviewFeaturesError):
        check_features(REVIEW_BOTH_WAYS)


@pytest.mark.rule("PERM-6")
@pytest.mark.parametrize("feature", sorted(REVIEW_BOTH_WAYS))
def test_either_review_feature_alone_is_fine(feature: Feature) -> None:
    check_features(frozenset(Feature) - REVIEW_BOTH_WAYS | {feature})
