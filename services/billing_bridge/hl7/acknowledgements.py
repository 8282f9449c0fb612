"""What a receiver's answer says: its code, and whether it speaks of our message at all."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from services.billing_bridge.connector import OutcomeUnknownError
from services.billing_bridge.hl7.profile import Profile
from services.billing_bridge.keeping import RECEIPT_CHARACTERS_AT_MOST, kept, storable
from services.billing_bridge.outcomes import Outcome, Verdict

ANSWER_BYTES_KEPT: Final = 2048
CODE_LETTERS_AT_MOST: Final = 10


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """MSA-1, MSA-2, the answer's own name (MSH-10) and the first error code (ERR-3)."""

    code: str
    speaks_of: str
    """The control id of the message that it answers."""
    name: str
    error: str
    content: bytes

    @property
    def is_receipt(self) -> bool:
        """Tell whether it is the first of enhanced mode's two answers."""
        return self.code.startswith("C")


def read(content: bytes) -> Acknowledgement:
    """Read an answer; raises `OutcomeUnknownError` for what is none."""
    text = content.decode("utf-8", errors="replace").strip()
    if not text.startswith("MSH") or len(text) < len("MSH|^~\\&|"):
        raise OutcomeUnknownError("The answer is no HL7 message.")
    field, component = text[3], text[4]
    segments: dict[str, list[str]] = {}
    for line in text.replace("\n", "\r").split("\r"):
        parts = line.split(field)
        segments.setdefault(parts[0], parts)
    acknowledged = segments.get("MSA", [])
    return Acknowledgement(
        code=_at(acknowledged, 1),
        speaks_of=_at(acknowledged, 2),
        # MSH-1 is the separator itself: MSH-10 stands at 9.
        name=storable(_at(segments["MSH"], 9))[:RECEIPT_CHARACTERS_AT_MOST],
        error=_at(segments.get("ERR", []), 3).partition(component)[0],
        content=content,
    )


def _at(parts: list[str], position: int) -> str:
    return parts[position] if position < len(parts) else ""


def verdict_of(answer: Acknowledgement, profile: Profile) -> Verdict:
    """Read the code by the partner's profile; one that it does not know says nothing."""
    verdicts: Mapping[str, Verdict] = {str(code): verdict for code, verdict in profile.answers.items()}
    return verdicts.get(answer.code, Verdict.UNKNOWN)


def outcome_of(answer: Acknowledgement, profile: Profile, *, hidden: Collection[str]) -> Outcome:
    """Say what the answer means, and what is kept of it."""
    verdict = verdict_of(answer, profile)
    return Outcome(
        verdict=verdict,
        reason=None if verdict is Verdict.ACCEPTED else _reason(answer),
        receipt_id=(answer.name or None) if verdict is Verdict.ACCEPTED else None,
        answer=kept(answer.content[:ANSWER_BYTES_KEPT], hidden),
    )


def _reason(answer: Acknowledgement) -> str:
    # Codes alone: an error's text can quote a patient.
    code, error = (
        "".join(letter for letter in text if letter.isascii() and letter.isalnum())[:CODE_LETTERS_AT_MOST]
        for text in (answer.code, answer.error)
    )
    return f"The receiver answered {code}{f', error {error}' if error else ''}."
