"""What this service seals in its database, and why its other texts are plain."""

from collections.abc import Mapping
from typing import Final

from shared.database.sealed_columns import PLAIN_EVERYWHERE, SEALED_NEXT, Sealed

SEALED: Final[tuple[Sealed, ...]] = ()

PLAIN: Final[Mapping[str, str]] = {
    **PLAIN_EVERYWHERE,
    "audit_entry.purpose": "a code of HL7's PurposeOfUse",
    "chart_documentation.leader_ids": "ids of staff",
    "chart_note.group_title": SEALED_NEXT,
    "chart_note.attendance": "lists are narrowed and counted by it; one of our words",
    "chart_note.content": SEALED_NEXT,
    "chart_note_annotation.content": SEALED_NEXT,
    "chart_note_retraction.content": SEALED_NEXT,
    "chart_tab.name": "what a tab is called in every chart",
    "chart_tab.kind": "one of our words",
    "chart_tab.location_ids": "ids",
    "instance_settings.integrated_billing": "the name of a billing system",
}
