"""How well signers have to have proved who they are, beside how lately (45 CFR 164.312(d))."""

from dataclasses import dataclass

from fastapi import Request

from shared.web.identity import Identity, current_identity
from shared.web.problems import StepUpProblem


@dataclass(frozen=True, kw_only=True)
class Assurance:
    """What the issuer has to say of a log-in; empty: nothing."""

    context_classes: tuple[str, ...] = ()
    """`acr`: any one of these, the best first."""
    methods: frozenset[str] = frozenset()
    """`amr`: one of these at least."""

    def require(self, identity: Identity) -> None:
        """Raise `StepUpProblem` with the challenge of RFC 9470 where the log-in is not good enough."""
        fits = not self.context_classes or identity.context_class in self.context_classes
        if fits and (not self.methods or self.methods & identity.methods):
            return
        challenge = 'Bearer error="insufficient_user_authentication"'
        if self.context_classes:
            challenge += f', acr_values="{" ".join(self.context_classes)}"'
        raise StepUpProblem(
            "Signing needs a stronger log-in, with a second factor for example.",
            headers={"WWW-Authenticate": challenge},
        )


async def require_assurance(request: Request) -> None:
    """Hold the caller's log-in to it."""
    assurance: Assurance = request.app.state.assurance
    assurance.require(current_identity(request))
