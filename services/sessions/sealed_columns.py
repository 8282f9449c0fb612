"""What this service seals in its database, and why its other texts are plain."""

from collections.abc import Mapping
from typing import Final

from shared.database.sealed_columns import EVENT, PLAIN_EVERYWHERE, Sealed
from shared.database.sealed_rows import SealedRows

PATIENTS: Final = SealedRows(
    table="patient",
    texts=("mrn", "first_name", "middle_name", "last_name", "preferred_name"),
    # The days of admission, discharge and death stay plain: SQL asks by them who is expected (SCH-5).
    days=("birth_date",),
)
GROUP_NOTES: Final = SealedRows(
    table="group_session",
    texts=("topic", "description"),
    # Frozen, and the rosters too, once somebody has signed (SIGN-4).
    insert_only=True,
)
ROSTERS: Final = SealedRows(
    table="roster_entry",
    key=("documentation_id", "patient_id"),
    texts=("absence_reason", "individual_note"),
    json=("problems",),
    insert_only=True,
)
ANNOTATIONS: Final = SealedRows(table="annotation", texts=("text",), insert_only=True)
SIGNED_DOCUMENTS: Final = SealedRows(
    table="signed_document", key=("sha256",), texts=("document",), insert_only=True
)
DISCARDED_ONES: Final = SealedRows(
    table="discarded_documentation", texts=("reason",), json=("content",), insert_only=True
)
EMERGENCIES: Final = SealedRows(table="emergency_access", texts=("reason",))

SEALED: Final[tuple[Sealed, ...]] = (
    *EVENT,
    *PATIENTS.columns,
    *GROUP_NOTES.columns,
    *ROSTERS.columns,
    *ANNOTATIONS.columns,
    *SIGNED_DOCUMENTS.columns,
    *DISCARDED_ONES.columns,
    *EMERGENCIES.columns,
)

PLAIN: Final[Mapping[str, str]] = {
    **PLAIN_EVERYWHERE,
    "account.login": "of a member of staff, looked up at each log-in",
    "account.password_hash": "Argon2",
    "annotation.printed_name": "a member of staff",
    "annotation.credentials": "of a member of staff",
    "annotation.document_sha256": "a digest of a whole document",
    "attention_told.waiting": "one of our words",
    "calendar_feed.token_sha256": "a digest of a random token",
    "discarded_documentation.how": "one of our words",
    "discarded_documentation.status": "one of our words",
    "group_session.title": "of a group, on every calendar",
    "group_session.status": "one of our words",
    "group_session_template.title": "of a group, on every calendar",
    "group_session_template.description": "of a group, and of no patient",
    "group_session_template.recurrence": "a rule of RFC 5545",
    "group_session_template.leader_ids": "ids of staff",
    "group_session_template.billing": "codes of a group, and of no patient",
    "group_session_template.topic": "of a group, and of no patient",
    "group_session_template.note": "of a group, and of no patient",
    "group_session_template.modality": "one of our words",
    "group_session_template.link": "where a group meets",
    "group_session_template.exceptions": "days",
    "instance.name": "the customer organisation",
    "instance.integrated_billing": "the name of a billing system",
    "location.name": "of a place",
    "location.time_zone": "of a place",
    "location.paper": "of a place",
    "organization.name": "of the customer",
    "patient.mrn_blind": "blind: the MRN is found by it, and told by it to nobody",
    "prepared_sheet.facts_sha256": "blind: equal for equal sheets, and telling nothing else",
    "refresh_token.sha256": "a digest of a random token",
    "roster_entry.attendance": "counted by it; one of our words",
    "schedule_template.title": "of a schedule, and of no patient",
    "session_change.part": "one of our words",
    "session_change.status": "one of our words",
    "session_change.waiting": "one of our words",
    "session_change.user_ids": "ids of staff",
    "signature.printed_name": "a member of staff",
    "signature.credentials": "of a member of staff",
    "signature.meaning": "one of our words",
    "signature.document_sha256": "a digest of a whole document",
    "signature.acknowledged": "ids and places of findings",
    "signed_document.sha256": "a digest of a whole document",
    "service_account.name": "of another system",
    "service_account.scopes": "our words",
    "service_account.public_key": "public",
    "service_account.external_issuer": "an address",
    "service_account.external_subject": "an issuer's name for another system",
    "client_assertion.sha256": "a digest of a random name",
    "front_end.name": "of a program",
    "front_end.redirect_uris": "addresses of a program",
    "authorization_code.sha256": "a digest of a random code",
    "authorization_code.redirect_uri": "an address of a program",
    "authorization_code.challenge": "a digest of a random text",
    "authorization_code.nonce": "random, of a program",
    "staff_member.npi": "public: the number of a member of staff",
    "staff_member.first_name": "a member of staff",
    "staff_member.last_name": "a member of staff",
    "staff_member.credentials": "of a member of staff",
    "staff_member.external_issuer": "an address",
    "staff_member.external_subject": "an issuer's name for a member of staff, by which they are found",
}
