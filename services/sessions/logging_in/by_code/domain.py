"""What a front end may ask, and what proves that it is the one that asked (OAuth 2.1, RFC 7636, RFC 9700)."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

CODE_LASTS: Final = timedelta(seconds=60)
REDIRECT_URI_CHARACTERS_AT_MOST: Final = 500
NONCE_CHARACTERS_AT_MOST: Final = 200
OPENID: Final = "openid"

PARAMETERS: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "max_age",
    "acr_values",
    "request",
    "request_uri",
)
"""Of an authorization request; others are ignored (RFC 6749, 3.1)."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1"})
# Of these characters none means anything in a header, a policy or a page.
_PLACE: Final = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})


class RequestRefusedError(Exception):
    """An authorization request that gets no code; `code` is the standards' word for it."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code, self.description = code, description


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An authorization request that is as it has to be, of a front end that is known."""

    redirect_uri: str
    challenge: str
    state: str | None
    nonce: str | None
    openid: bool
    """Whether an ID token is wanted too."""


def is_redirect_uri(text: str) -> bool:
    """Whether answers may be sent there: https, or http on the user's own machine; exact, no fragment."""
    if not _VISIBLE.fullmatch(text) or len(text) > REDIRECT_URI_CHARACTERS_AT_MOST or "#" in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if not _PLACE.fullmatch(parts.netloc):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def origin_of(redirect_uri: str) -> str:
    """Give the origin of a registered redirect URI."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def with_answer(redirect_uri: str, answer: Mapping[str, str | None]) -> str:
    """Add an answer to a redirect URI; what is None is left out."""
    query = urlencode({name: value for name, value in answer.items() if value is not None})
    return f"{redirect_uri}{'&' if urlsplit(redirect_uri).query else '?'}{query}"


def asked(fields: Mapping[str, str]) -> Asked:
    """Read a request whose front end and redirect URI are known; raises `RequestRefusedError`.

    Whoever comes is asked for the password each time: so `max_age` and `prompt=login` are always kept, and
    `prompt=none` never can be.
    """
    for name in ("request", "request_uri"):
        if name in fields:
            raise RequestRefusedError(f"{name}_not_supported", f"Leave {name} out.")
    _require_code(fields)
    _require_what_can_be_had(fields)
    return Asked(
        redirect_uri=fields["redirect_uri"],
        challenge=fields["code_challenge"],
        state=fields.get("state"),
        nonce=fields.get("nonce"),
        openid=OPENID in fields.get("scope", "").split(" "),
    )


def _require_code(fields: Mapping[str, str]) -> None:
    if not fields.get("response_type"):
        raise RequestRefusedError("invalid_request", "response_type is missing.")
    if fields["response_type"] != "code":
        raise RequestRefusedError("unsupported_response_type", "Use response_type=code.")
    if fields.get("response_mode", "query") != "query":
        raise RequestRefusedError("invalid_request", "Use response_mode=query.")
    # Without a method it would be `plain` (RFC 7636, 4.3), which proves nothing to who overhears the request.
    if fields.get("code_challenge_method") != "S256":
        raise RequestRefusedError("invalid_request", "Use code_challenge_method=S256.")
    if not _CHALLENGE.fullmatch(fields.get("code_challenge", "")):
        raise RequestRefusedError("invalid_request", "code_challenge has to be 43 characters of base64url.")


def _require_what_can_be_had(fields: Mapping[str, str]) -> None:
    prompts = set(fields.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RequestRefusedError("invalid_request", "prompt is not one that is known.")
    if not re.fullmatch(r"[0-9]{0,9}", fields.get("max_age", "")):
        raise RequestRefusedError("invalid_request", "max_age has to be a number of seconds.")
    if len(fields.get("nonce", "")) > NONCE_CHARACTERS_AT_MOST:
        raise RequestRefusedError("invalid_request", "nonce is too long.")
    if "none" in prompts:
        raise RequestRefusedError("login_required", "Nobody is logged in without typing a password.")
    if fields.get("acr_values"):
        # A log-in that is less than was asked for would only be challenged again.
        raise RequestRefusedError(
            "unmet_authentication_requirements", "This issuer knows passwords and nothing stronger."
        )


def proves(verifier: str, *, challenge: str) -> bool:
    """Whether a verifier is the one that a challenge was made of (RFC 7636, 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = sha256(verifier.encode()).digest()
    # Neither is a secret once both are here, so the time that it takes tells nothing.
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
