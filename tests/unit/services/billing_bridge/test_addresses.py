import pytest

from services.billing_bridge.addresses import HTTPS, checking
from services.billing_bridge.connector import AddressRefusedError

check_address = checking(HTTPS)


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("url", ["https://billing.example/charges", "https://10.0.0.7:8443/in?tenant=7"])
def test_https_is_taken_everywhere(url: str, embedded: bool) -> None:
    check_address(url, embedded)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/charges", "http://[::1]/", "http://localhost:8000/x"])
def test_http_is_taken_to_this_machine_when_embedded(url: str) -> None:
    check_address(url, True)
    with pytest.raises(AddressRefusedError, match="must begin with https"):
        check_address(url, False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "billing.example",
        "http://billing.example/",
        "http://127.0.0.1.billing.example/",
        "http://10.0.0.7/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https:///charges",
        "https://user:secret@billing.example/",
        "https://billing.example/#top",
        "https://billing.example:99999/",
        "https://bill ing.example/",
        "https://[::1/",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_address(url, True)
