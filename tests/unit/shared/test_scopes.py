import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ALLOWED = {
    "shared/database/grants.py",  # the owner's own command
    "shared/database/migrations.py",  # names its scope
    "shared/database/single_trips.py",  # its statements name it themselves
    "shared/database/transactions.py",  # names the scope of all others
}


def test_no_transaction_is_opened_past_those_that_name_their_instance() -> None:
    opens = re.compile(r"engine\.(connect|begin)\(")
    sources = [path for folder in ("services", "shared", "deploy") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in sources if opens.search(path.read_text())}
    assert found == ALLOWED
