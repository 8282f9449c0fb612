"""The check before signing, over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.documentation.checking import PreSignCheck, show_check
from services.sessions.documentation.findings import Finding
from services.sessions.documentation.schemas import ShownCheck
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response

router = APIRouter(prefix="/v1/group-sessions/{session_id}", tags=["group sessions"])


@router.get("/pre-sign-check", response_model=ShownCheck)
async def get_pre_sign_check(session_id: UUID, call: CurrentCall) -> Response:
    """Give all that is asked before signing, and what would be charged (DOC-3, DIST-3, DOC-8, BILL-8)."""
    check = await show_check(
        call.database, call.identity, session_id, previews=call.previews, clock=call.clock
    )
    return json_response(_shown(check))


def _shown(check: PreSignCheck) -> dict[str, Any]:
    charges = check.charges
    return {
        "document_sha256": check.document_sha256,
        "findings": [_shown_finding(one) for one in check.findings],
        "charges": None if charges is None else [one.model_dump() for one in charges],
    }


def _shown_finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "blocking": finding.blocking,
        "needs_acknowledgement": finding.needs_acknowledgement,
        "pointers": finding.pointers,
        "detail": finding.detail,
        "patient_ids": finding.patient_ids,
        "pairs": [{"patient_ids": [pair.one, pair.other], "percent": pair.percent} for pair in finding.pairs],
    }
