"""What this service seals in its database, and why its other texts are plain."""

from collections.abc import Mapping
from typing import Final

from shared.database.sealed_columns import PLAIN_EVERYWHERE, Sealed

SEALED: Final = (
    Sealed(place="chart_note.content", insert_only=True),
    # The name of a group tells what its members are treated for.
    Sealed(place="chart_note.group_title", insert_only=True),
    Sealed(place="chart_note_annotation.content", insert_only=True),
    Sealed(place="chart_note_retraction.content", row=("documentation_id",), insert_only=True),
)

PLAIN: Final[Mapping[str, str]] = {
    **PLAIN_EVERYWHERE,
    "audit_entry.purpose": "a code of HL7's PurposeOfUse",
    "chart_documentation.leader_ids": "ids of staff",
    "chart_note.attendance": "lists are narrowed and counted by it; one of our words",
    "chart_tab.name": "what a tab is called in every chart",
    "chart_tab.kind": "one of our words",
    "chart_tab.location_ids": "ids",
    "instance_settings.integrated_billing": "the name of a billing system",
}
