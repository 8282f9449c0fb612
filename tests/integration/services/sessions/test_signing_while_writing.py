"""Writers and signers at once: what is signed is what was shown, or it is refused (SIGN-4, DOC-5)."""

import asyncio
from collections import Counter

import pytest

from services.sessions.documentation.models import SIGNATURE
from tests.integration.services.sessions.clinic import Clinic

WRITERS = 200
SIGNERS = 10


@pytest.mark.rule("SIGN-1", "SIGN-4", "DOC-5")
async def test_of_many_who_write_and_sign_at_once_no_signature_covers_what_was_not_shown(
    clinic: Clinic,
) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    shown = await clinic.shown_sha256(session_id)
    note = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/note"
    writes = [
        clinic.ask("Tom", "PUT", note, json={"text": f"Text {one}."}, if_match='"2"')
        for one in range(WRITERS)
    ]
    body = {"document_sha256": shown, "acknowledged": []}
    signings = [clinic.sign(session_id, by=("Margaret", "Tom")[one % 2], json=body) for one in range(SIGNERS)]
    answers = await asyncio.gather(*writes[::2], *signings, *writes[1::2])
    at_once = Counter(one.status_code for one in answers)
    signatures = await clinic.rows(SIGNATURE)
    # Either a writer was first, and nobody signs what changed; or a signer, and nobody writes any more.
    assert (at_once[204], len(signatures)) in {(1, 0), (0, 2)}
    assert at_once.keys() <= {201, 204, 409, 412}
    assert at_once[201] == len(signatures) == len({one.user_id for one in signatures})
    assert {one.document_sha256 for one in signatures} <= {shown}
    written = (await clinic.shown_sha256(session_id)) != shown
    assert written == (not signatures)
    assert (await clinic.ask("Ada", "GET", f"/v1/group-sessions/{session_id}/verification")).is_success
