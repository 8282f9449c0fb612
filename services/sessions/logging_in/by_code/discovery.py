"""What the built-in issuer can do, for programs to read (RFC 8414, OpenID Connect Discovery 1.0)."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from services.sessions.directory.issuer import ALGORITHM
from services.sessions.logging_in.by_code.authorizing_endpoints import AUTHORIZATION_PATH
from services.sessions.logging_in.by_code.domain import OPENID
from services.sessions.logging_in.endpoints import KEYS_PATH
from services.sessions.logging_in.oauth_endpoints import GRANTS, REVOCATION_PATH, TOKEN_PATH
from shared.web.bodies import json_response
from shared.web.identity import ALGORITHMS

METADATA_PATHS: Final = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")

router = APIRouter(tags=["log-in"])


def metadata(issuer: str) -> dict[str, Any]:
    """Say it; the issuer's name is the address below which all of it is served."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZATION_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "jwks_uri": issuer + KEYS_PATH,
        "scopes_supported": [OPENID],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        # None: front ends are public clients, bound by PKCE. The other: service accounts.
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid"],
        "prompt_values_supported": ["login"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


@router.get(METADATA_PATHS[0])
@router.get(METADATA_PATHS[1])
async def get_metadata(request: Request) -> Response:
    """Give the addresses and abilities of the built-in issuer."""
    return json_response(metadata(request.app.state.issuer.name))
