from pathlib import Path

from services.billing_bridge.connectors.webhook.receiver import Book


def test_what_was_accepted_survives_a_restart(tmp_path: Path) -> None:
    before = Book(path=tmp_path / "charges")
    receipts = [before.take(key, "00", {"code": "90853"}) for key in ("a", "b")]
    assert list(Book(path=tmp_path / "charges").taken.values()) == receipts


def test_a_line_that_a_crash_cut_off_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "charges"
    whole = Book(path=path).take("a", "00", {})
    with path.open("ab") as file:
        file.write(b'{"key": "b", "rec')
    again = Book(path=path)
    again.take("c", "00", {})
    assert list(Book(path=path).taken) == ["a", "c"]
    assert again.taken["a"] == whole
