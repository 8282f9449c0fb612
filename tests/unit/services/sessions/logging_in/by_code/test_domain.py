import pytest

from services.sessions.logging_in.by_code.domain import (
    Asked,
    RequestRefusedError,
    asked,
    is_redirect_uri,
    proves,
    with_answer,
)

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REQUEST = {
    "response_type": "code",
    "redirect_uri": "https://desk.riverbend.test/back",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def test_the_verifier_of_the_standards_example_proves_its_challenge() -> None:
    assert proves(VERIFIER, challenge=CHALLENGE)


@pytest.mark.parametrize("verifier", ["", VERIFIER[:-1], CHALLENGE, VERIFIER + " ", "ä" * 43, "a" * 129])
def test_no_other_text_proves_it(verifier: str) -> None:
    assert not proves(verifier, challenge=CHALLENGE)


def test_a_request_is_read_with_all_that_its_answer_repeats() -> None:
    more = {"state": "s", "nonce": "n", "scope": "profile openid", "prompt": "login", "max_age": "300"}
    assert asked(REQUEST | more) == Asked(
        redirect_uri=REQUEST["redirect_uri"], challenge=CHALLENGE, state="s", nonce="n", openid=True
    )
    assert not asked(REQUEST).openid


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "sometimes"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"nonce": "n" * 201}, "invalid_request"),
        ({"acr_values": "phr"}, "unmet_authentication_requirements"),
        ({"request": "ey..."}, "request_not_supported"),
        ({"request_uri": "https://elsewhere.test"}, "request_uri_not_supported"),
    ],
)
def test_what_can_not_be_had_is_refused_in_the_words_of_the_standards(
    change: dict[str, str], code: str
) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        asked(REQUEST | change)
    assert refused.value.code == code


@pytest.mark.parametrize("missing", ["code_challenge", "code_challenge_method"])
def test_without_a_challenge_there_is_no_code(missing: str) -> None:
    with pytest.raises(RequestRefusedError):
        asked({name: value for name, value in REQUEST.items() if name != missing})


@pytest.mark.parametrize(
    "uri", ["https://desk.riverbend.test", "https://a.test:8443/b?c=d", "http://127.0.0.1:5173/back"]
)
def test_answers_go_to_https_or_to_the_users_own_machine(uri: str) -> None:
    assert is_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/back",
        "http://desk.riverbend.test/",
        "https://",
        "https://a.test/#part",
        "https://a.test/ b",
        "https://user@a.test/",
        "https://*.a.test/",
        "https://a.test;script-src/",
        "https://[::1/",
        "javascript:alert(1)",
        "data:text/html,hello",
        f"https://a.test/{'b' * 500}",
    ],
)
def test_answers_go_nowhere_else(uri: str) -> None:
    assert not is_redirect_uri(uri)


def test_an_answer_is_added_to_what_the_address_has() -> None:
    assert (
        with_answer("https://a.test/?b=c", {"code": "d&e", "state": None}) == "https://a.test/?b=c&code=d%26e"
    )
    assert with_answer("https://a.test/", {"state": "ä"}) == "https://a.test/?state=%C3%A4"
