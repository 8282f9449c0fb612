from pathlib import Path

import pytest
from sqlalchemy import select

from services.billing_bridge.models import connection
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.connectors.certificates import Authority

URL = "https://billing.example/charges"


async def test_settings_are_shown_and_a_certificate_never_is(billing: Billing, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = {"trusted_ca": authority.pem}
    certificate = authority.client_certificate
    answer = await billing.connect(URL, settings=settings, client_certificate=certificate)
    listed = await billing.ask("/connections")
    (shown,) = listed.json()["connections"]
    assert (shown["settings"], shown["has_client_certificate"]) == (settings, True)
    assert "PRIVATE KEY" not in answer.text + listed.text


async def test_certificate_and_secret_are_sealed_at_rest(billing: Billing, tmp_path: Path) -> None:
    certificate = Authority(tmp_path).client_certificate
    secret = (await billing.connect(URL, client_certificate=certificate)).json()["secret"]
    (row,) = await billing.rows(select(connection))
    assert not [text for text in (certificate, secret, "PRIVATE KEY") if text in str(row)]


async def test_a_change_without_a_certificate_keeps_the_one_there_is(
    billing: Billing, tmp_path: Path
) -> None:
    await billing.connect(URL, client_certificate=Authority(tmp_path).client_certificate)
    (before,) = await billing.rows(select(connection.c.sealed_certificate))
    await billing.connect(URL)
    assert await billing.rows(select(connection.c.sealed_certificate)) == [before]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"settings": {"unheard_of": 1}}, "#/settings/unheard_of"),
        ({"settings": {"trusted_ca": "no PEM"}}, "#/settings/trusted_ca"),
        ({"client_certificate": "no PEM"}, "#/client_certificate"),
        ({"url": "ftp://billing.example"}, "#/url"),
        ({"secret": "hunter2"}, "#/secret"),
    ],
)
async def test_what_does_not_fit_is_refused_where_it_stands(
    billing: Billing, change: dict[str, object], pointer: str
) -> None:
    await billing.connect(URL)
    answer = await billing.ask("/connections/webhook", method="PUT", content={"url": URL} | change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert "hunter2" not in answer.text


@pytest.mark.rule("BILL-5")
async def test_a_connection_says_whether_it_can_be_asked(billing: Billing) -> None:
    first = await billing.connect(URL)
    second = await billing.connect(URL, settings={"status_url": "https://billing.example/status"})
    assert [one.json()["looks_up"] for one in (first, second)] == [False, True]
