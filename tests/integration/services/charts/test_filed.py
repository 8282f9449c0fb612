from datetime import date
from uuid import UUID

import httpx2
import pytest

from services.billing_bridge.filed_notes import ChartsService, FiledNotesUnavailableError
from shared.events.catalogue import SESSION_RETRACTED
from shared.events.filing import FILED_PATH
from shared.identifiers import new_id
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.testing.corrections import documented_again, retraction_of
from shared.testing.records import CLINIC, OTHER_CLINIC, a_session_record
from tests.integration.services.charts.conftest import Charts

TUESDAY = date(2026, 3, 10)


def asking(charts: Charts, keys: KeyRing | None = None) -> ChartsService:
    return ChartsService(
        url="http://charts",
        keys=keys or charts.application.state.settings.keys,
        transport=httpx2.ASGITransport(app=charts.application),
    )


@pytest.mark.rule("BILL-10")
async def test_the_present_patients_of_each_documentation_are_told(charts: Charts) -> None:
    record, void = a_session_record(present=2, absent=1), a_session_record(present=1, absent=0)
    await charts.hear(record, void)
    await charts.hear(retraction_of(void), event_type=SESSION_RETRACTED)
    filed = {one.documentation_id: one for one in await asking(charts).filed(CLINIC, [], on=TUESDAY)}
    assert {name: (len(one.present), one.entered_in_error) for name, one in filed.items()} == {
        record.documentation_id: (2, False),
        void.documentation_id: (1, True),
    }
    assert filed[record.documentation_id].session_id == record.session_id


@pytest.mark.rule("BILL-10", "DIST-5")
async def test_what_was_documented_anew_is_void_before_its_retraction_comes(charts: Charts) -> None:
    record = a_session_record(present=1, absent=0)
    again = documented_again(record)
    await charts.hear(record, again)
    filed = await asking(charts).filed(CLINIC, [], on=TUESDAY)
    assert {one.documentation_id: one.entered_in_error for one in filed} == {
        record.documentation_id: True,
        again.documentation_id: False,
    }


@pytest.mark.rule("BILL-10")
async def test_of_another_day_only_what_is_named_is_told(charts: Charts) -> None:
    record, other = a_session_record(present=1), a_session_record(present=1)
    await charts.hear(record, other)
    filed = await asking(charts).filed(CLINIC, [record.documentation_id], on=date(2026, 3, 11))
    assert [one.documentation_id for one in filed] == [record.documentation_id]


@pytest.mark.rule("PERM-8")
async def test_another_instance_is_told_nothing_and_each_question_is_audited(charts: Charts) -> None:
    record = a_session_record(present=1)
    await charts.hear(record)
    assert await asking(charts).filed(OTHER_CLINIC, [record.documentation_id], on=TUESDAY) == ()
    assert [(row.instance_id, row.action) for row in await charts.audit()] == [
        (OTHER_CLINIC, "filing.reconciled")
    ]


@pytest.mark.rule("PERM-8")
async def test_who_does_not_hold_the_keys_is_told_nothing(charts: Charts) -> None:
    stranger = asking(charts, KeyRing.parse(new_key_ring()))
    with pytest.raises(FiledNotesUnavailableError):
        await stranger.filed(CLINIC, [], on=TUESDAY)
    transport = httpx2.ASGITransport(app=charts.application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://charts") as client:
        answer = await client.post(FILED_PATH, json={"sealed": "nothing"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "not-sealed")


async def test_an_answer_to_one_question_is_no_answer_to_another(charts: Charts) -> None:
    kept: list[bytes] = []

    async def replaying(request: httpx2.Request) -> httpx2.Response:
        if not kept:
            through = httpx2.ASGITransport(app=charts.application)
            kept.append(await (await through.handle_async_request(request)).aread())
        return httpx2.Response(200, content=kept[0])

    service = asking(charts)
    replayed = ChartsService(url=service.url, keys=service.keys, transport=httpx2.MockTransport(replaying))
    assert await replayed.filed(CLINIC, [], on=TUESDAY) == ()
    with pytest.raises(FiledNotesUnavailableError):
        await replayed.filed(CLINIC, [UUID(int=new_id().int)], on=TUESDAY)
