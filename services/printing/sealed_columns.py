"""What this service seals in its database, and why its other texts are plain."""

from collections.abc import Mapping
from typing import Final

from shared.database.sealed_columns import EVENT, PLAIN_EVERYWHERE, Sealed

SEALED: Final = (
    *EVENT,
    Sealed(place="print_job.sheet"),
    Sealed(place="documented_session.record", row=("documentation_id",)),
    Sealed(place="documented_session.retracted", row=("documentation_id",)),
)

PLAIN: Final[Mapping[str, str]] = {
    **PLAIN_EVERYWHERE,
    "print_job.kind": "one of our words",
    "print_job.status": "one of our words",
    "print_job.reason": "a class of error and a place in our code",
    "print_job.warnings": "names of scripts",
    "print_job.content_sha256": "blind: equal for equal sheets, and telling nothing else",
    "print_job.storage_key": "ids",
    "print_job.sha256": "a digest of a whole PDF",
}
