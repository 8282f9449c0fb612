"""Emergency access: one user, one patient, a short time (45 CFR 164.312(a)(2)(ii))."""

from datetime import datetime
from uuid import UUID

from shared.events.contract import Contract


class EmergencyAccess(Contract):
    """Lets a user read one patient's chart until a moment; of two that differ the earlier moment holds.

    It lets nobody write or sign. The reason stays in the service that asked for it.
    """

    access_id: UUID
    user_id: UUID
    patient_id: UUID
    until: datetime
