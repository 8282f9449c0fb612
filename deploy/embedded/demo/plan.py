"""What the demo's clinic offers on its day: groups of 8 to 40 patients."""

from dataclasses import dataclass
from datetime import time
from typing import Any, Final

BILLING: Final[dict[str, Any]] = {
    "mode": "ancillary",
    "codes": [
        {
            "kind": "ccode",
            "code": "90853",
            "description": "Group psychotherapy",
            "effective_on": "2020-01-01",
            "ends_on": None,
        }
    ],
    "place_of_service": "53",
    "modifiers": ["HQ"],
    "units": {"by": "session"},
    "minimum_minutes": 15,
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group: when it meets, how many belong to it, who leads it, and whether it is charged."""

    title: str
    starts_at: time
    minutes: int
    size: int
    leader: int
    """Index among the clinic's therapists."""
    charged: bool
    topic: str
    description: str


GROUPS: Final = (
    Group(
        title="Process Group",
        starts_at=time(9, 0),
        minutes=50,
        size=8,
        leader=0,
        charged=True,
        topic="Naming what we feel",
        description="Members practised putting feelings into words and listening without advice.",
    ),
    Group(
        title="Relapse Prevention",
        starts_at=time(10, 30),
        minutes=60,
        size=25,
        leader=1,
        charged=True,
        topic="Warning signs and a plan",
        description="The group mapped early warning signs and wrote a first version of a personal plan.",
    ),
    Group(
        title="Psychoeducation: Sleep",
        starts_at=time(13, 0),
        minutes=45,
        size=40,
        leader=2,
        charged=False,
        topic="Sleep and recovery",
        description="A talk with exercises on sleep hygiene; questions were collected for next week.",
    ),
    Group(
        title="Skills Training",
        starts_at=time(14, 30),
        minutes=50,
        size=12,
        leader=3,
        charged=True,
        topic="Distress tolerance",
        description="Members tried two distress tolerance skills and rated how much each one helped.",
    ),
)
REVIEWED_LEADER: Final = 3
"""This leader's sessions need a review."""
REVIEWER: Final = 4
ABSENT_EVERY: Final = 6
LATE_EVERY: Final = 9

TOOK_PART: Final = (
    "Took part actively and gave an example from the past week.",
    "Listened for most of the hour, spoke when asked.",
    "Was restless at first and settled after the breathing exercise.",
    "Named one goal for the coming days and how to notice progress.",
    "Disagreed with a suggestion, explained why and stayed respectful.",
)
MOOD: Final = (
    "Mood calm, affect fitting.",
    "Tearful when speaking of the holidays; could be comforted.",
    "Tired after a short night, awake to the end.",
    "Cheerful, at times louder than the topic asked for.",
    "Tense; said so without being asked, which is new.",
    "Even-tempered, laughed twice.",
    "Flat affect, brightened in the second half.",
)
NEXT: Final = (
    "Reports fewer urges since the last session.",
    "Wants to call the sponsor tonight.",
    "No safety concerns voiced.",
    "Will bring the written plan next week.",
    "Asked for a word with the case manager about housing.",
    "Insight is growing: saw the link between sleep and cravings.",
    "Keeps the mood diary; three days were missing.",
    "Agreed to try the walk before breakfast.",
)
"""Five, seven and eight: no two patients of a group of 40 get the same three sentences."""

COPIED: Final = "Came to the talk and took the hand-out."
"""What two patients of a group for whom no note is charged get: found before signing, and acknowledged."""
COPIED_FOR: Final = (3, 4)
