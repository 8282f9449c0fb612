from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr, ValidationError

from shared.audit.anchoring import AnchorBucket, AnchorFile
from shared.audit.settings import AnchorSettings
from tests.support.s3 import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, stand_in_bucket

PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def test_lines_are_added_to_a_file_that_its_owner_alone_reads(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    for line in (b"one\n", b"two\n"):
        await AnchorFile(file).add(line, service="charts")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"one\ntwo\n", 0o600)


async def test_a_bucket_gets_an_object_each_time() -> None:
    with stand_in_bucket() as bucket:
        settings = AnchorSettings(
            key=SecretStr(PEM),
            bucket_url=bucket.url,
            region=REGION,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SecretStr(SECRET_ACCESS_KEY),
        )
        objects = settings.open_bucket()
        assert objects is not None
        for line in (b"one\n", b"two\n"):
            await AnchorBucket(objects).add(line, service="charts")
        assert sorted(bucket.objects.values()) == [b"one\n", b"two\n"]
        assert all(path.startswith("/sheets/anchors/charts/") for path in bucket.objects)


@pytest.mark.parametrize(
    "settings",
    [
        {"key": SecretStr("no key"), "file": Path("anchors.jsonl")},
        {"key": SecretStr(PEM)},
        {"key": SecretStr(PEM), "bucket_url": "https://host/bucket"},
    ],
)
def test_settings_that_could_not_anchor_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AnchorSettings(**settings)  # type: ignore[arg-type]
