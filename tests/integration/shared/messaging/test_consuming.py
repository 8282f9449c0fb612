import asyncio

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from shared.database.transactions import Database
from shared.messaging.consuming import ATTEMPTS_AT_MOST, Consuming
from shared.messaging.messages import Parcel, Verdict
from shared.testing.records import a_parcel, a_session_record, enveloped
from tests.integration.shared.messaging.conftest import Effects, inbox


def parcel_of(*topics: str, ring: int = 1) -> Parcel:
    return a_parcel(
        [enveloped(a_session_record(present=1, absent=0, topic=topic)) for topic in topics], ring=ring
    )


def again(parcel: Parcel, *, ring: int = 2) -> Parcel:
    rung = tuple(one.model_copy(update={"ring": ring}) for one in parcel.deliveries)
    return parcel.model_copy(update={"deliveries": rung})


async def verdicts(consuming: Consuming, parcel: Parcel) -> list[Verdict]:
    return [receipt.verdict for receipt in await consuming.receive(parcel)]


async def test_a_parcel_is_applied_and_receipted(consuming: Consuming, effects: Effects) -> None:
    parcel = parcel_of("one", "two")
    receipts = await consuming.receive(parcel)
    assert [receipt.delivery_id for receipt in receipts] == [one.delivery_id for one in parcel.deliveries]
    assert {row.event_id for row in await effects.rows()} == {one.event_id for one in parcel.deliveries}


async def test_the_inbox_holds_what_was_applied(consuming: Consuming, database: Database) -> None:
    parcel = parcel_of("one", "two")
    await consuming.receive(parcel)
    async with database.engine.connect() as connection:
        applied = (await connection.execute(select(inbox.applied.c.event_id, inbox.applied.c.consumer))).all()
    assert {tuple(row) for row in applied} == {(one.event_id, "charts") for one in parcel.deliveries}


@pytest.mark.rule("DIST-5")
@pytest.mark.parametrize("ring", [1, 2, 7])
async def test_a_redelivered_parcel_is_receipted_and_not_applied(
    consuming: Consuming, effects: Effects, ring: int
) -> None:
    parcel = parcel_of("one", "two")
    await consuming.receive(parcel)
    assert await verdicts(consuming, again(parcel, ring=ring)) == [Verdict.APPLIED] * 2
    assert len(await effects.rows()) == 2


@pytest.mark.rule("DIST-5")
async def test_an_event_that_is_twice_in_a_parcel_is_applied_once(
    consuming: Consuming, effects: Effects
) -> None:
    parcel = parcel_of("one")
    doubled = parcel.model_copy(update={"deliveries": parcel.deliveries * 2})
    assert await verdicts(consuming, doubled) == [Verdict.APPLIED] * 2
    assert len(await effects.rows()) == 1


@pytest.mark.rule("DIST-5")
async def test_two_workers_at_once_apply_an_event_once(consuming: Consuming, effects: Effects) -> None:
    parcel = parcel_of("one", "two", "three")
    await asyncio.gather(*(consuming.receive(parcel) for _ in range(4)))
    assert len(await effects.rows()) == 3


async def test_a_bad_event_holds_no_good_one_up(consuming: Consuming, effects: Effects) -> None:
    effects.failures["bad"] = ValueError("never")
    parcel = parcel_of("good", "bad", "fine")
    assert await verdicts(consuming, parcel) == [Verdict.APPLIED, Verdict.PERMANENT, Verdict.APPLIED]
    applied = {parcel.deliveries[number].event_id for number in (0, 2)}
    assert {row.event_id for row in await effects.rows()} == applied


async def test_a_failed_event_leaves_nothing_behind(consuming: Consuming, effects: Effects) -> None:
    effects.failures["bad"] = ValueError("never")
    assert await verdicts(consuming, parcel_of("bad")) == [Verdict.PERMANENT]
    assert list(await effects.rows()) == []


async def test_a_failure_that_passes_is_transient_and_applied_later(
    consuming: Consuming, effects: Effects
) -> None:
    effects.failures["late"] = ConnectionResetError()
    parcel = parcel_of("late")
    assert await verdicts(consuming, parcel) == [Verdict.TRANSIENT]
    effects.failures.clear()
    assert await verdicts(consuming, again(parcel)) == [Verdict.APPLIED]
    assert len(await effects.rows()) == 1


async def test_an_unknown_type_is_refused_for_good_alone(consuming: Consuming, effects: Effects) -> None:
    parcel = parcel_of("good", "strange")
    strange = parcel.deliveries[1].model_copy(update={"type": "opencircle.unheard_of.v1"})
    mixed = parcel.model_copy(update={"deliveries": (parcel.deliveries[0], strange)})
    assert await verdicts(consuming, mixed) == [Verdict.APPLIED, Verdict.PERMANENT]


async def test_a_malformed_body_is_refused_for_good_alone(consuming: Consuming, effects: Effects) -> None:
    parcel = parcel_of("good", "strange")
    strange = parcel.deliveries[1].model_copy(update={"body": '{"topic": "Anna Okafor"}'})
    mixed = parcel.model_copy(update={"deliveries": (strange, parcel.deliveries[0])})
    receipts = await consuming.receive(mixed)
    assert [receipt.verdict for receipt in receipts] == [Verdict.PERMANENT, Verdict.APPLIED]
    assert "Anna" not in (receipts[0].reason or "")


async def test_an_event_that_kills_its_worker_is_given_up_after_so_many_attempts(
    consuming: Consuming, effects: Effects
) -> None:
    effects.failures["deadly"] = SystemExit()
    parcel = again(parcel_of("deadly"))
    for _ in range(ATTEMPTS_AT_MOST):
        with pytest.raises(SystemExit):
            await consuming.receive(parcel)
    assert await verdicts(consuming, parcel) == [Verdict.PERMANENT]


async def test_an_event_that_kills_its_worker_no_longer_takes_others_along(
    consuming: Consuming, effects: Effects
) -> None:
    effects.failures["deadly"] = SystemExit()
    parcel = again(parcel_of("good", "deadly"))
    with pytest.raises(SystemExit):
        await consuming.receive(parcel)
    with pytest.raises(SystemExit):
        await consuming.receive(parcel)
    assert [row.event_id for row in await effects.rows()] == [parcel.deliveries[0].event_id]


async def test_an_event_that_fails_for_passing_reasons_is_never_given_up_here(
    consuming: Consuming, effects: Effects
) -> None:
    effects.failures["passing"] = ConnectionResetError()
    parcel = again(parcel_of("passing"))
    seen = [await verdicts(consuming, parcel) for _ in range(ATTEMPTS_AT_MOST + 2)]
    assert seen == [[Verdict.TRANSIENT]] * (ATTEMPTS_AT_MOST + 2)


async def test_an_applied_event_is_receipted_however_often_it_is_rung(
    consuming: Consuming, effects: Effects
) -> None:
    parcel = parcel_of("one")
    await consuming.receive(parcel)
    seen = [await verdicts(consuming, again(parcel)) for _ in range(ATTEMPTS_AT_MOST + 2)]
    assert seen == [[Verdict.APPLIED]] * (ATTEMPTS_AT_MOST + 2)


async def test_the_log_names_the_traces_of_what_was_applied(consuming: Consuming) -> None:
    signed = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    record = a_session_record(present=1, absent=0)
    envelope = enveloped(record).model_copy(update={"traceparent": signed})
    with capture_logs() as logs:
        await consuming.receive(a_parcel([envelope]))
    (told,) = [one for one in logs if one.get("code") == "deliveries.applied"]
    assert (told["consumer"], told["trace_ids"]) == ("charts", ["4bf92f3577b34da6a3ce929d0e0e4736"])
