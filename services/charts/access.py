"""Who is let in to read or change what, and what the audit trail tells of it (PERM-7, PERM-8)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.charts.domain import READS_CHARTS
from services.charts.emergency import has_emergency_access
from services.charts.models import audit_entry, staff_access
from shared.database.audit import Outcome
from shared.database.bulk import insert_new
from shared.database.transactions import Database, Transaction
from shared.events.staff import Feature, Role, Scope, StaffAccess
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import Problem
from shared.web.staff_access import require_any
from shared.web.staff_access import staff_access as access_of


class Purpose(StrEnum):
    """Why a chart is read: the codes of HL7's value set v3-PurposeOfUse, so that nobody writes free text."""

    CAREMGT = "CAREMGT"
    CLINTRCH = "CLINTRCH"
    CLMATTCH = "CLMATTCH"
    COVAUTH = "COVAUTH"
    COVERAGE = "COVERAGE"
    DISASTER = "DISASTER"
    DONAT = "DONAT"
    ELIGDTRM = "ELIGDTRM"
    ELIGVER = "ELIGVER"
    ENROLLM = "ENROLLM"
    ETREAT = "ETREAT"
    FAMRQT = "FAMRQT"
    FRAUD = "FRAUD"
    GOV = "GOV"
    HACCRED = "HACCRED"
    HCOMPL = "HCOMPL"
    HDECD = "HDECD"
    HDIRECT = "HDIRECT"
    HLEGAL = "HLEGAL"
    HMARKT = "HMARKT"
    HOPERAT = "HOPERAT"
    HOUTCOMS = "HOUTCOMS"
    HPAYMT = "HPAYMT"
    HPRGRP = "HPRGRP"
    HQUALIMP = "HQUALIMP"
    HRESCH = "HRESCH"
    HSYSADMIN = "HSYSADMIN"
    MEMADMIN = "MEMADMIN"
    PATADMIN = "PATADMIN"
    PATRQT = "PATRQT"
    PATSFTY = "PATSFTY"
    PERFMSR = "PERFMSR"
    POPHLTH = "POPHLTH"
    PUBHLTH = "PUBHLTH"
    PWATRNY = "PWATRNY"
    RECORDMGT = "RECORDMGT"
    REMITADV = "REMITADV"
    SUPNWK = "SUPNWK"
    THREAT = "THREAT"
    TRAIN = "TRAIN"
    TREAT = "TREAT"


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Somebody's wish to read or change something, as the audit trail will tell of it."""

    identity: Identity
    action: str
    at: datetime
    purpose: Purpose | None = None


@asynccontextmanager
async def audited(
    database: Database,
    deed: Deed,
    roles: frozenset[Role],
    *,
    features: frozenset[Feature] = frozenset(),
    subject: UUID,
    patient_id: UUID | None = None,
    scope: Scope | None = None,
) -> AsyncIterator[Transaction]:
    """Let in who has a role or feature for it, and write down that they did it, or were refused (PERM-8).

    A service account is let in where its `scope` is enough.
    Where a patient's chart is read, emergency access to it lets in too, and the trail says so.
    Raises `ForbiddenProblem`; whatever `Problem` the block raises is written down as a refusal.
    """
    patient_ids = (patient_id,)
    try:
        async with database.writing(deed.identity.instance_id) as db:
            access = await access_of(db, staff_access, deed.identity.user_id, scope=scope)
            if await _is_emergency(db, deed, access, roles, patient_id):
                deed = replace(deed, action=f"emergency.{deed.action}", purpose=Purpose.ETREAT)
            else:
                require_any(access, roles=roles, features=features, scope=scope)
            yield db
            await write_down(db, deed, subject=subject, patient_ids=patient_ids)
    except Problem:
        async with database.writing(deed.identity.instance_id) as db:
            await write_down(db, deed, subject=subject, patient_ids=patient_ids, outcome=Outcome.REFUSED)
        raise


async def _is_emergency(
    db: Transaction, deed: Deed, access: StaffAccess, roles: frozenset[Role], patient_id: UUID | None
) -> bool:
    """Whether the caller's role is not enough, and emergency access is: for charts that are read alone."""
    if roles != READS_CHARTS or access.roles & roles or patient_id is None:
        return False
    return await has_emergency_access(db, access.user_id, patient_id, at=deed.at)


async def write_down(
    db: Transaction,
    deed: Deed,
    *,
    subject: UUID,
    patient_ids: tuple[UUID | None, ...],
    outcome: Outcome = Outcome.ALLOWED,
) -> None:
    """Write one entry for each patient concerned, in one statement. `subject` is an id, never a name."""
    told = {
        "instance_id": db.instance_id,
        "at": deed.at,
        "user_id": deed.identity.user_id,
        "action": deed.action,
        "subject": str(subject),
        "outcome": outcome.value,
        "purpose": deed.purpose and deed.purpose.value,
    }
    rows = [told | {"id": new_id(), "patient_id": patient_id} for patient_id in patient_ids]
    await insert_new(db.connection, audit_entry, rows)
