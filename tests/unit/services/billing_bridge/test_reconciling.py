from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing_bridge.outcomes import Status
from services.billing_bridge.reconciling import Documented, FiledHere, Kind, Line, MadeCharge, reconcile
from shared.identifiers import new_id

ADA, BO, CY = new_id(), new_id(), new_id()
DOCUMENTATION, SESSION = new_id(), new_id()
Facts = tuple[Documented, list[MadeCharge], FiledHere | None]


def in_order(patients: frozenset[UUID] = frozenset({ADA, BO}), *, void: bool = False) -> Facts:
    documented = Documented(
        documentation_id=DOCUMENTATION,
        session_id=SESSION,
        present=patients,
        billed_as="ancillary",
        charges=len(patients),
        void=void,
    )
    status = Status.REVERSED if void else Status.ACCEPTED
    charges = [
        MadeCharge(charge_id=new_id(), patient_id=one, status=status, reason=None) for one in sorted(patients)
    ]
    return documented, charges, FiledHere(session_id=SESSION, present=patients, entered_in_error=void)


def reconciled(documented: Documented, charges: list[MadeCharge], filed: FiledHere | None) -> Line:
    notes = {DOCUMENTATION: filed} if filed else {}
    (line,) = reconcile([documented], {DOCUMENTATION: charges}, notes)
    return line


patients = st.frozensets(st.sampled_from([new_id() for _ in range(5)]))


@pytest.mark.rule("BILL-10")
@given(present=patients, void=st.booleans())
def test_what_is_in_order_has_no_difference(present: frozenset[UUID], *, void: bool) -> None:
    line = reconciled(*in_order(present, void=void))
    assert line.differences == ()
    assert {line.present, line.filed, line.charges, line.acknowledged} == {len(present)}


@pytest.mark.rule("BILL-10")
@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        (lambda a, b, c: (a, b, replace(c, present=frozenset({ADA}))), [Kind.NOT_FILED]),
        (lambda a, b, _: (a, b, None), [Kind.NOT_FILED, Kind.NOT_FILED]),
        (lambda a, b, c: (a, b, replace(c, present=c.present | {CY})), [Kind.FILED_NOT_PRESENT]),
        (lambda a, b, c: (a, b, replace(c, entered_in_error=True)), [Kind.MARKED_NOT_VOID]),
        (lambda a, b, c: (a, b[:1], c), [Kind.NOT_CHARGED, Kind.CHARGES_DIFFER]),
        (
            lambda a, b, c: (a, [b[0], replace(b[1], patient_id=CY)], c),
            [Kind.NOT_CHARGED, Kind.CHARGED_NOT_PRESENT],
        ),
        (lambda a, b, c: (a, [b[0], replace(b[1], status=Status.HELD)], c), [Kind.NOT_ACKNOWLEDGED]),
        (lambda a, b, c: (a, [b[0], replace(b[1], status=Status.REVERSED)], c), [Kind.CANCELLED]),
        (
            lambda a, b, c: (replace(a, void=True), [b[0], replace(b[1], status=Status.REVERSED)], c),
            [Kind.VOID_NOT_MARKED, Kind.NOT_REVERSED],
        ),
    ],
)
def test_each_kind_of_difference_is_named(spoil: Callable[..., Facts], kinds: list[Kind]) -> None:
    assert [one.kind for one in reconciled(*spoil(*in_order())).differences] == kinds


@pytest.mark.rule("BILL-10")
def test_charts_that_do_not_answer_and_sessions_that_were_never_heard_of_are_named() -> None:
    documented, charges, filed = in_order()
    (silent,) = reconcile([documented], {DOCUMENTATION: charges}, None)
    assert (silent.filed, [one.kind for one in silent.differences]) == (None, [Kind.FILING_UNKNOWN])
    assert filed is not None
    (unheard,) = reconcile([], {}, {DOCUMENTATION: filed})
    assert (unheard.billed_as, [one.kind for one in unheard.differences]) == (None, [Kind.NOT_HEARD])


@pytest.mark.rule("BILL-1", "BILL-10")
def test_a_per_diem_session_owes_no_charge() -> None:
    documented, _, filed = in_order()
    assert reconciled(replace(documented, billed_as="per_diem", charges=0), [], filed).differences == ()


charges_of_anything = st.lists(
    st.builds(
        MadeCharge,
        charge_id=st.builds(new_id),
        patient_id=st.sampled_from([ADA, BO, CY]),
        status=st.sampled_from(Status),
        reason=st.none(),
    ),
    max_size=4,
)


@pytest.mark.rule("BILL-10")
@given(
    present=st.frozensets(st.sampled_from([ADA, BO, CY])),
    filed=st.frozensets(st.sampled_from([ADA, BO, CY])),
    charges=charges_of_anything,
    made=st.integers(0, 4),
    void=st.booleans(),
    in_error=st.booleans(),
)
def test_a_line_without_a_difference_fits_in_all_its_numbers(
    present: frozenset[UUID],
    filed: frozenset[UUID],
    charges: list[MadeCharge],
    made: int,
    *,
    void: bool,
    in_error: bool,
) -> None:
    documented = replace(in_order(present)[0], charges=made, void=void)
    notes = FiledHere(session_id=SESSION, present=filed, entered_in_error=in_error)
    line = reconciled(documented, charges, notes)
    fits = (
        present == filed == {one.patient_id for one in charges}
        and len(charges) == made == line.acknowledged
        and void == in_error
    )
    assert (line.differences == ()) == fits
