"""Patients as they are stored: sealed, and found by a blind medical record number."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.sessions.sealed_columns import PATIENTS
from shared.database.fields import Fields


def sealed_patient(fields: Fields, values: Mapping[str, Any], *, patient_id: UUID) -> dict[str, Any]:
    """Give values of a patient as they are stored, whichever of them are given."""
    sealed = PATIENTS.sealed(fields, values, row=patient_id)
    return sealed | ({"mrn_blind": blind_mrn(fields, values["mrn"])} if "mrn" in values else {})


def opened_patient(fields: Fields, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is stored of a patient as it was."""
    opened = PATIENTS.opened(fields, row)
    opened.pop("mrn_blind", None)
    return opened


def blind_mrn(fields: Fields, mrn: str) -> str:
    """Give what a medical record number is found by, exactly as it is written."""
    return fields.blind(mrn, place="patient.mrn")
