"""Keys and the secret: right keys are known, wrong ones are not, and nothing is stored in the clear."""

import pathlib
import threading

import pytest
import sqlalchemy as sa

from feed.opening import open_feed
from feed.settings import Settings, StoreSettings
from feed.store import reporters, secret
from feed.store.database import Database
from feed.store.reporters import ReporterError
from feed.store.secret import Secret, SecretError
from feed.store.tables import api_key, reporter
from tests.factories import make_reporter

NOW = 1_795_000_000


def _key(database: Database, keys: Secret, **change: int | None) -> str:
    with database.write() as connection:
        source_id = make_reporter(connection)
        return reporters.new_key(
            connection, keys, source_id=source_id, scopes=("report",), author="test", now=NOW, **change
        )


def test_key_speaks_for_its_reporter(database: Database, secret: Secret) -> None:
    key = _key(database, secret)
    with database.read() as connection:
        found = reporters.authenticate(connection, secret, key, now=NOW)
    assert found is not None
    assert (found.source_id, found.scopes) == (1, frozenset({"report"}))


@pytest.mark.parametrize("change", ["x", "", "0", "é", "_"])
def test_changed_key_is_unknown(sqlite: Database, secret: Secret, change: str) -> None:
    key = _key(sqlite, secret)
    with sqlite.read() as connection:
        for wrong in (key[:-1] + change, key + change, change + key, key.upper()):
            if wrong != key:
                assert reporters.authenticate(connection, secret, wrong, now=NOW) is None


def test_ended_and_revoked_keys_are_unknown(database: Database, secret: Secret) -> None:
    key = _key(database, secret, expires_at=NOW + 10)
    with database.write() as connection:
        assert reporters.authenticate(connection, secret, key, now=NOW + 10) is None
        assert reporters.revoke_key(connection, key.split("_")[1], now=NOW)
        assert not reporters.revoke_key(connection, key.split("_")[1], now=NOW)
        assert reporters.authenticate(connection, secret, key, now=NOW) is None


def test_key_is_worthless_without_the_servers_secret(sqlite: Database, secret: Secret) -> None:
    key = _key(sqlite, secret)
    with sqlite.read() as connection:
        assert reporters.authenticate(connection, Secret(bytes(32)), key, now=NOW) is None
        stored = connection.execute(sa.select(api_key)).one()
    assert key.split("_")[2] not in repr(stored)


def test_two_reporters_cannot_have_one_name(database: Database) -> None:
    with database.write() as connection:
        make_reporter(connection, "one")
        with pytest.raises(ReporterError, match="already"):
            make_reporter(connection, "one")


def test_unknown_scope_is_refused(sqlite: Database, secret: Secret) -> None:
    with sqlite.write() as connection, pytest.raises(ReporterError, match="unknown scope"):
        reporters.new_key(connection, secret, source_id=None, scopes=("root",), author="test", now=NOW)


def test_seeded_weight_ends_on_its_day(sqlite: Database) -> None:
    with sqlite.write() as connection:
        source_id = make_reporter(connection, weight=14)
        connection.execute(sa.update(reporter).values(weight_until_day=100))
        assert reporters.trust(connection, day=100)[source_id].weight == 14
        assert reporters.trust(connection, day=101)[source_id].weight == 0


def test_secret_is_made_once_whoever_comes_first(tmp_path: pathlib.Path) -> None:
    made: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: made.append(secret.load(tmp_path / "secret").mac("a", b"b")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [("ff" * 32, 0o644, "chmod 600"), ("zz", 0o600, "hexadecimal"), ("ff", 0o600, "shorter")],
)
def test_unusable_secret_file_is_refused(tmp_path: pathlib.Path, text: str, mode: int, words: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(SecretError, match=words):
        secret.load(file)


def test_hash_of_the_last_period_is_found_again() -> None:
    keys = Secret(bytes(32))
    last_day, next_day = secret.PERIOD_DAYS - 1, secret.PERIOD_DAYS
    assert keys.periodic("digest", b"x", day=last_day)[0] == keys.periodic("digest", b"x", day=next_day)[1]
    assert keys.periodic("digest", b"x", day=last_day)[0] != keys.periodic("digest", b"x", day=next_day)[0]


def test_lost_or_other_secret_is_refused_and_never_replaced(sqlite: Database, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "secret"
    settings = Settings(store=StoreSettings(url=str(sqlite.url), secret_file=file))
    open_feed(settings).database.dispose()
    kept = file.read_text()
    file.unlink()
    with pytest.raises(SecretError, match="restore it from the backup"):
        open_feed(settings)
    assert not file.exists()
    file.write_text("ab" * 32)
    file.chmod(0o600)
    with pytest.raises(SecretError, match="not the secret"):
        open_feed(settings)
    file.write_text(kept)
    open_feed(settings).database.dispose()
