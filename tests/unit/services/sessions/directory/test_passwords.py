import asyncio

import pytest

from services.sessions.directory.passwords import check_password, hash_password, is_too_common

LOGIN = "margaret@riverbend"


def test_what_is_stored_costs_who_guesses_memory_and_time() -> None:
    stored = asyncio.run(hash_password("correct horse battery"))
    algorithm, version, costs = stored.split("$")[1:4]
    assert (algorithm, version, costs) == ("argon2id", "v=19", "m=65536,t=3,p=4")
    assert asyncio.run(check_password("correct horse battery", stored))
    assert not asyncio.run(check_password("correct horse battery", None))


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Correct Horse Battery Staple",
        "abcabcabcabcabcabc",
        "aaaaaaaaaaaaaaaa",
        "1234567890123456",
        "abcdefghijklmnop",
        "margaret@riverbend",
        "Margaret@Riverbend1",
        "................",
    ],
)
def test_what_others_would_try_first_is_refused(password: str) -> None:
    assert is_too_common(password, login=LOGIN)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "only-for-this-demo",
        "a password for this test",
        "k8Jw-20fhQ_zz71p",
        "margaret likes to walk by the river",
        "überraschend lange Sätze",
    ],
)
def test_what_only_its_owner_thinks_of_is_taken(password: str) -> None:
    assert not is_too_common(password, login=LOGIN)
