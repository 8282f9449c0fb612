import pytest

from tests.chaos.billing import run


@pytest.mark.rule("BILL-4", "BILL-5")
@pytest.mark.parametrize(("deduplicates", "echoes_key"), [(True, False), (False, False), (False, True)])
async def test_every_charge_of_a_moody_receiver_is_acknowledged_once_or_parked_with_a_true_reason(
    *, deduplicates: bool, echoes_key: bool
) -> None:
    told, faults = await run(7, 200, deduplicates=deduplicates, echoes_key=echoes_key)
    assert faults == 0, told
    assert dict(told)["charges"] == 200
