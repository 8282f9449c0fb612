from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from services.billing_bridge.main import create_application
from shared.messaging.sealing import new_key_ring
from shared.testing.identity import ISSUER, TokenIssuer

OPERATIONS = {
    ("/v1/billing/charges", "get"),
    ("/v1/billing/charges/{charge_id}", "get"),
    ("/v1/billing/charges/{charge_id}/cancel", "post"),
    ("/v1/billing/charges/{charge_id}/confirm", "post"),
    ("/v1/billing/charges/{charge_id}/hold", "post"),
    ("/v1/billing/charges/{charge_id}/release", "post"),
    ("/v1/billing/codes", "get"),
    ("/v1/billing/codes", "post"),
    ("/v1/billing/codes/import", "post"),
    ("/v1/billing/codes/{code_id}", "get"),
    ("/v1/billing/codes/{code_id}", "put"),
    ("/v1/billing/connections", "get"),
    ("/v1/billing/connections/{system}", "put"),
    ("/v1/billing/connections/{system}/pause", "post"),
    ("/v1/billing/connections/{system}/resume", "post"),
    ("/v1/billing/counts", "get"),
    ("/v1/billing/reconciliation", "get"),
    ("/v1/billing/reconciliation.csv", "get"),
    ("/v1/billing/patients/{patient_id}/disclosures", "get"),
    ("/v1/billing/report", "get"),
    ("/v1/billing/report.csv", "get"),
    ("/v1/billing/worklist", "get"),
    ("/v1/billing/worklist/cancel", "post"),
    ("/v1/billing/worklist/release", "post"),
}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FastAPI:
    environment = {
        "OPENCIRCLE_ENVIRONMENT": "embedded",
        "OPENCIRCLE_BROKER_URL": "redis://unused",
        "OPENCIRCLE_MESSAGE_KEYS": new_key_ring(),
        "OPENCIRCLE_ISSUER": ISSUER,
        "OPENCIRCLE_TOKEN_KEYS": str(TokenIssuer(tmp_path).key_file),
        "OPENCIRCLE_BILLING_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/billing.sqlite3",
        "OPENCIRCLE_BILLING_CONNECTION_KEYS": new_key_ring(),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return create_application()


@pytest.mark.rule("BILL-7")
def test_the_api_offers_what_a_biller_does_and_nothing_else(application: FastAPI) -> None:
    paths = application.openapi()["paths"]
    assert {(path, verb) for path, verbs in paths.items() for verb in verbs} == OPERATIONS


@pytest.mark.parametrize(("path", "verb"), sorted(OPERATIONS))
async def test_nothing_is_done_without_a_token(application: FastAPI, path: str, verb: str) -> None:
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://billing") as client:
        answer = await client.request(verb, path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
