import base64

import pytest

from services.billing_bridge.connector import SecretRefusedError
from services.billing_bridge.connectors.webhook.secrets import check_secret, new_secret


def of_bytes(count: int) -> str:
    return "whsec_" + base64.b64encode(bytes(count)).decode()


def test_a_new_secret_is_a_right_one_and_new() -> None:
    check_secret(new_secret())
    assert new_secret() != new_secret()


@pytest.mark.parametrize("count", [24, 64])
def test_24_to_64_bytes_are_taken(count: int) -> None:
    check_secret(of_bytes(count))


@pytest.mark.parametrize("secret", ["", "hunter2", of_bytes(23), of_bytes(65), "whsec_äöü", "whsec_%%%"])
def test_others_are_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(SecretRefusedError) as refusal:
        check_secret(secret)
    assert not secret or secret not in str(refusal.value)
