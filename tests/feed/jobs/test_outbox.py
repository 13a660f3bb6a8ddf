"""Our own mails against a real SMTP server: what goes out, what is tried again, what never is."""

import dataclasses

import pytest
import sqlalchemy as sa

from feed.jobs import outbox as job
from feed.settings import MailSettings
from feed.store import outbox
from feed.store.database import Database
from feed.store.secret import Secret
from feed.store.tables_site import outbox as table
from tests.mail_sink import MailSink

NOW = 1_795_608_000
SEED = bytes(range(32))


@pytest.fixture
def settings(sink: MailSink) -> MailSettings:
    return MailSettings(host="127.0.0.1", port=sink.port, sender="noreply@feed.example", timeout_s=2)


def _queue(database: Database, recipient: str = "postmaster@example.org", **change: object) -> str:
    values: dict[str, object] = {
        "recipient": recipient, "domain": recipient.rpartition("@")[2], "subject": "Removal of 192.0.2.7",
        "body": f"Open https://feed.example/confirm/{outbox.MARK}\n.\n..dots", "seed": SEED, "now": NOW,
        "expires_at": NOW + 6 * 3600,
    } | change  # fmt: skip
    with database.write() as connection:
        return outbox.enqueue(connection, **values)  # type: ignore[arg-type]


def _row(database: Database) -> sa.Row[tuple[object, ...]]:
    with database.read() as connection:
        return connection.execute(sa.select(table)).one()


def test_a_mail_goes_out_once_with_an_empty_envelope_sender(
    database: Database, sink: MailSink, settings: MailSettings, secret: Secret
) -> None:
    assert _queue(database) == "queued"
    assert job.send_due(database, settings, secret, now=NOW) == job.Run(sent=1)
    assert job.send_due(database, settings, secret, now=NOW + 86_000) == job.Run()
    taken = sink.taken[0]
    assert len(sink.taken) == 1
    assert taken.sender == "<>"
    assert taken.recipients == ("postmaster@example.org",)
    mail = taken.message
    assert mail["From"] == "Backscatter Feed <noreply@feed.example>"
    assert mail["To"] == "postmaster@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Reply-To"] is None
    assert mail["Message-ID"].endswith("@feed.example>")
    token = outbox.link_token(secret, SEED)
    assert len(token) == 64
    text = mail.get_content().replace("\r\n", "\n")
    assert text == f"Open https://feed.example/confirm/{token}\n.\n..dots\n"
    row = _row(database)
    assert (row.body, row.seed, row.sent_at) == ("", None, NOW)


def test_the_token_is_nowhere_in_the_database(
    sqlite: Database, settings: MailSettings, secret: Secret, sink: MailSink
) -> None:
    _queue(sqlite)
    token = outbox.link_token(secret, SEED)
    assert token.encode() not in sqlite.path.read_bytes()
    job.send_due(sqlite, settings, secret, now=NOW)
    assert sink.taken
    files = [path for path in sqlite.path.parent.iterdir() if path.is_file()]
    assert not any(token.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("verb", ["CONNECT", "MAIL", "RCPT", "DATA", "END"])
def test_a_refusal_for_now_is_tried_again_later_and_longer_apart(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret, verb: str
) -> None:
    _queue(sqlite)
    sink.answers[verb] = "450 come back"
    tries = 0
    for minute in range(0, 360, 5):
        run = job.send_due(sqlite, settings, secret, now=NOW + minute * 60)
        tries += run.failed
    assert 4 <= tries <= outbox.ATTEMPTS_MOST
    del sink.answers[verb]
    assert (_row(sqlite).failure or "").startswith("450 come back")
    before = len(sink.taken)
    assert job.send_due(sqlite, settings, secret, now=NOW + 359 * 60).sent + len(sink.taken) - before <= 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "END"])
def test_a_refusal_for_good_is_final(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret, verb: str
) -> None:
    _queue(sqlite)
    sink.answers[verb] = "550 no such\x01 user \xfc"
    assert job.send_due(sqlite, settings, secret, now=NOW).failed == 1
    sink.answers.clear()
    assert job.send_due(sqlite, settings, secret, now=NOW + 7200) == job.Run()
    row = _row(sqlite)
    assert row.failed_at == NOW
    assert row.body == ""
    assert row.failure.startswith("550 no such? user")
    assert row.failure.isascii()


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "DATA"])
def test_a_relay_that_hangs_up_ends_the_run(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret, verb: str
) -> None:
    for number in range(3):
        _queue(sqlite, f"postmaster@d{number}.example")
    sink.drop_after = verb
    run = job.send_due(sqlite, settings, secret, now=NOW)
    assert (run.sent, run.failed) == (0, 1)
    sink.drop_after = None
    assert job.send_due(sqlite, settings, secret, now=NOW + 60).sent == 3
    assert sorted(mail.recipients[0] for mail in sink.taken) == [
        f"postmaster@d{number}.example" for number in range(3)
    ]


def test_a_retry_is_the_same_mail(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret
) -> None:
    _queue(sqlite)
    sink.answers["END"] = "451 try later"
    job.send_due(sqlite, settings, secret, now=NOW)
    del sink.answers["END"]
    job.send_due(sqlite, settings, secret, now=NOW + 60)
    first, second = (mail.message for mail in sink.taken)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


def test_what_is_late_is_never_sent(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret
) -> None:
    _queue(sqlite)
    assert job.send_due(sqlite, settings, secret, now=NOW + 6 * 3600) == job.Run()
    job.sweep(sqlite, now=NOW + 6 * 3600)
    assert _row(sqlite).failure == "too late"
    assert sink.taken == []
    job.sweep(sqlite, now=NOW + 8 * 86_400)
    with sqlite.read() as connection:
        assert connection.execute(sa.select(table)).all() == []


def test_without_a_relay_nothing_happens(sqlite: Database, secret: Secret) -> None:
    _queue(sqlite)
    assert job.send_due(sqlite, MailSettings(), secret, now=NOW) == job.Run()
    assert _row(sqlite).attempts == 0


def test_a_run_is_bounded(sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret) -> None:
    for number in range(job.A_RUN + 3):
        _queue(sqlite, f"postmaster@d{number}.example")
    assert job.send_due(sqlite, settings, secret, now=NOW).sent == job.A_RUN
    assert job.send_due(sqlite, settings, secret, now=NOW).sent == 3
    assert len({mail.recipients for mail in sink.taken}) == job.A_RUN + 3


def test_a_certificate_that_is_not_trusted_is_refused(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret
) -> None:
    _queue(sqlite)
    strict = settings.model_copy(update={"tls": "starttls"})
    assert job.send_due(sqlite, strict, secret, now=NOW).failed == 1
    assert sink.taken == []


@pytest.mark.parametrize("name", ["recipient", "subject"])
def test_a_line_break_cannot_get_into_a_header(
    sqlite: Database, sink: MailSink, settings: MailSettings, secret: Secret, name: str
) -> None:
    """No caller can do this; if one ever could, the mail is not made."""
    mail = outbox.Mail(
        mail_id=1, recipient="a@b.example", subject="s", body="b", seed=None, created_at=NOW, attempts=1
    )
    broken = {name: "a@b.example\r\nBcc: victim@c.example"}
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        job.message_of(dataclasses.replace(mail, **broken), settings, secret)  # type: ignore[arg-type]
