"""The trap receiver with real SMTP clients: what is stored, what is refused, and what hostile clients get."""

import asyncio
import contextlib
import datetime as dt
import os
import pathlib
import resource
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.address import Address, parse_address
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict
from feed.opening import Feed, open_feed
from feed.settings import PublishSettings, Settings, SettingsError, StoreSettings, TrapSettings, load
from feed.store.database import Database, StoreError
from feed.store.tables import event
from ingest import quota, trap
from ingest.mail.judgement import Judgement
from ingest.trap_desk import CALLOUT_SHARE, CALLOUTS_A_DAY, Outcome, TrapDesk, raised
from ingest.trap_server import Desk, Rules, TrapServer
from ingest.trap_session import Callout, Limits, Mail, Traps
from tests import mails
from tests.conftest import ROOT, needs
from tests.factories import NOW, make_reporter
from tests.waiting import wait_until

EMITTER = parse_address("192.0.2.66")
TRAPS = Traps(domains={"trap.example"})
BOUNCE = mails.dsn()


def opened(database: Database, folder: pathlib.Path, **change: Any) -> Feed:
    settings = Settings(
        store=StoreSettings(
            url=database.url.render_as_string(hide_password=False), secret_file=folder / "secret"
        ),
        publish=PublishSettings(folder=folder / "snapshots"),
        trap=TrapSettings(**{"listen": ("127.0.0.1:1",), "domains": ("trap.example",)} | change),
    )
    feed = open_feed(settings)
    with feed.database.write() as connection:
        make_reporter(connection, "traps", anchor=True)
    return feed


@pytest.fixture
def desk(database: Database, tmp_path: pathlib.Path) -> Iterator[TrapDesk]:
    feed = opened(database, tmp_path)
    made = TrapDesk(feed, reporter="traps", now=lambda: NOW)
    made.open()
    yield made
    made.close()
    feed.database.dispose()


def a_mail(message: bytes = BOUNCE, **change: Any) -> Mail:
    values: dict[str, Any] = {
        "helo": "mail.emitter.example",
        "sender": "",
        "recipients": ("old@trap.example",),
        "message": message,
        "truncated": False,
    }
    return Mail(**values | change)


def events(desk: TrapDesk) -> list[Any]:
    with desk._feed.database.read() as connection:
        return list(connection.execute(sa.select(event).order_by(event.c.event_id)).all())


def test_a_bounce_to_a_trap_is_the_strongest_evidence(desk: TrapDesk) -> None:
    assert desk.mail(a_mail(), EMITTER) is Outcome.ACCEPTED
    (row,) = events(desk)
    assert (row.attestation, row.provenance, row.strength) == (Attestation.U5, Provenance.P4, 5)
    assert (row.kind, row.recipient_class) == (Kind.DSN_FAIL, RecipientClass.TRAP)
    assert row.helo == "mail.emitter.example"


def test_the_same_mail_again_is_stored_once_and_another_trap_counts_apart(desk: TrapDesk) -> None:
    assert desk.mail(a_mail(), EMITTER) is Outcome.ACCEPTED
    assert desk.mail(a_mail(), EMITTER) is Outcome.DUPLICATE
    assert desk.mail(a_mail(recipients=("other@trap.example",)), EMITTER) is Outcome.ACCEPTED
    assert desk.mail(a_mail(), parse_address("192.0.2.67")) is Outcome.ACCEPTED
    assert len(events(desk)) == 3


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"Subject: buy\r\n\r\nnow\r\n", id="spam"),
        pytest.param(bytes(range(256)) * 100, id="noise"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 5000, id="bomb"),
    ],
)
def test_what_is_no_notification_is_refused_for_good_and_leaves_nothing(
    desk: TrapDesk, message: bytes
) -> None:
    assert desk.mail(a_mail(message, sender="spam@bot.example"), EMITTER) is Outcome.REFUSED
    assert events(desk) == []


def test_a_callout_counts_once_a_day_for_each_recipient_and_never_for_the_list(desk: TrapDesk) -> None:
    asked = Callout(helo="mail.emitter.example", recipients=("a@trap.example", "b@trap.example"))
    assert desk.callout(asked, EMITTER) is Outcome.ACCEPTED
    assert desk.callout(asked, EMITTER) is Outcome.DUPLICATE
    rows = events(desk)
    assert [row.kind for row in rows] == [Kind.SAV, Kind.SAV]
    assert len({bytes(row.original_key) for row in rows}) == 2


def test_what_is_counted_of_callouts_survives_a_restart(desk: TrapDesk) -> None:
    asked = Callout(helo="a", recipients=("a@trap.example",))
    desk.callout(asked, EMITTER)
    other = TrapDesk(desk._feed, reporter="traps", now=lambda: NOW)
    assert other.callout(asked, EMITTER) is Outcome.DUPLICATE
    assert len(events(desk)) == 1


@pytest.mark.parametrize(
    "peer",
    [pytest.param("192.0.2.67", id="one address"), pytest.param("2001:db8:66:1::{:x}", id="one /64")],
)
def test_who_invents_recipients_has_only_so_many_callouts_kept(
    desk: TrapDesk, monkeypatch: pytest.MonkeyPatch, peer: str
) -> None:
    for number in range(1000):
        invented = tuple(f"x{number}-{one}@trap.example" for one in range(5))
        desk.callout(Callout(helo="a", recipients=invented), parse_address(peer.format(number)))
    assert len(events(desk)) == CALLOUTS_A_DAY
    assert desk.counts == {"callout_accepted": 4, "callout_capped": 996}
    assert desk.mail(a_mail(), EMITTER) is Outcome.ACCEPTED
    asked = Callout(helo="a", recipients=("y@trap.example",))
    assert desk.callout(asked, EMITTER) is Outcome.ACCEPTED
    assert desk.callout(asked, parse_address(peer.format(1))) is Outcome.CAPPED
    monkeypatch.setattr(desk, "_now", lambda: NOW + dt.timedelta(days=1))
    assert desk.callout(asked, parse_address(peer.format(1))) is Outcome.ACCEPTED


def test_callouts_leave_the_quota_to_bounces(desk: TrapDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "VETTED", 5 * CALLOUT_SHARE)
    asked = [
        desk.callout(Callout(helo="a", recipients=("x@trap.example",)), parse_address(f"192.0.2.{last}"))
        for last in range(8)
    ]
    assert asked == [Outcome.ACCEPTED] * 5 + [Outcome.CAPPED] * 3
    taken = [desk.mail(a_mail(), parse_address(f"192.0.2.{last}")) for last in range(8)]
    assert taken == [Outcome.ACCEPTED] * 8
    again = Callout(helo="a", recipients=("x@trap.example", "y@trap.example"))
    assert desk.callout(again, parse_address("192.0.2.0")) is Outcome.CAPPED


def test_callers_take_only_so_much_memory(desk: TrapDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.trap_desk._MOST_CALLERS", 3)
    for last in range(9):
        desk.callout(Callout(helo="a", recipients=("x@trap.example",)), parse_address(f"192.0.2.{last}"))
    assert len(events(desk)) == len(desk._callers) == 3
    known = Callout(helo="a", recipients=("y@trap.example",))
    assert desk.callout(known, parse_address("192.0.2.0")) is Outcome.ACCEPTED


def test_a_suspended_reporter_means_that_the_client_comes_again(desk: TrapDesk) -> None:
    from feed.store import reporters

    with desk._feed.database.write() as connection:
        found = reporters.find_by_name(connection, "traps")
        reporters.suspend(connection, found.source_id, now=1)
    desk._known = None
    assert desk.mail(a_mail(), EMITTER) is Outcome.BUSY


def test_a_database_that_fails_means_that_the_client_comes_again(
    desk: TrapDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **names: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(desk._grouped, "take", broken)
    assert desk.mail(a_mail(), EMITTER) is Outcome.BUSY


@pytest.mark.parametrize(
    ("attestation", "provenance", "strength", "expected"),
    [
        pytest.param(Attestation.U4, Provenance.P3, 4, 5, id="a trap is raised"),
        pytest.param(Attestation.U4, Provenance.P3, 3, 4, id="a defect still costs a step"),
        pytest.param(Attestation.U1, Provenance.P3, 1, 1, id="what the mail lowered stays low"),
        pytest.param(Attestation.U4, Provenance.P1, 1, 1, id="an address that is not sure is not raised"),
    ],
)
def test_raised(attestation: Attestation, provenance: Provenance, strength: int, expected: int) -> None:
    judged = Judgement(
        kind=Kind.DSN_FAIL,
        verdict=Verdict.BACKSCATTER,
        emitter=EMITTER,
        attestation=attestation,
        provenance=provenance,
        strength=strength,
    )
    assert raised(judged).strength == expected


# Over the network


class Running:
    """A receiver in a thread, with a desk that remembers or does what a test tells it to."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.callouts: list[Callout] = []
        self.outcome: Outcome | None = Outcome.ACCEPTED
        self.blocked = threading.Event()
        self.blocked.set()
        self.calls_blocked = threading.Event()
        self.calls_blocked.set()
        self.port = 0
        self.server: TrapServer | None = None

    def take(self, mail: Mail, peer: Address) -> Outcome:
        assert str(peer) == "127.0.0.1"
        self.blocked.wait(60)
        self.mails.append(mail)
        if self.outcome is None:
            raise RuntimeError("a mistake of ours")
        return self.outcome

    def called(self, callout: Callout, _peer: Address) -> Outcome:
        self.calls_blocked.wait(60)
        self.callouts.append(callout)
        return Outcome.ACCEPTED

    @property
    def counts(self) -> dict[str, int]:
        assert self.server is not None
        return self.server.counts

    def smtp(self, **change: Any) -> smtplib.SMTP:
        return smtplib.SMTP(
            "127.0.0.1", self.port, local_hostname="mail.emitter.example", timeout=30, **change
        )

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


Receiver = Callable[..., contextlib.AbstractContextManager[Running]]


@contextlib.contextmanager
def receiver(*, tls: ssl.SSLContext | None = None, **change: Any) -> Iterator[Running]:
    running, ready = Running(), threading.Event()
    values: dict[str, Any] = {"hostname": "mx.trap.example", "traps": TRAPS, "refusal": "Not ours"}
    rules = Rules(**values | change)

    async def serve() -> None:
        made = TrapServer(rules, Desk(mail=running.take, callout=running.called), threads=2, tls=tls)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        running.port, running.server, running.loop = (  # type: ignore[attr-defined]
            listener.getsockname()[1],
            made,
            asyncio.get_running_loop(),
        )
        await made.serve([listener], started=ready.set)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield running
    finally:
        assert running.server is not None
        with contextlib.suppress(RuntimeError):  # a test may have stopped it: then its loop is closed
            running.loop.call_soon_threadsafe(running.server.stop)  # type: ignore[attr-defined]
        running.blocked.set()
        running.calls_blocked.set()
        thread.join(60)
        assert not thread.is_alive()


def send(smtp: smtplib.SMTP, message: bytes = BOUNCE) -> tuple[int, bytes]:
    smtp.ehlo()
    assert smtp.docmd("MAIL", "FROM:<>")[0] == 250
    assert smtp.docmd("RCPT", "TO:<old@trap.example>")[0] == 250
    return smtp.data(message.decode())  # as text, so that its lines end as they must


def test_a_mail_server_is_refused_in_the_session_after_the_mail_was_taken() -> None:
    with receiver() as running, running.smtp() as smtp:
        code, words = send(smtp)
        assert (code, words) == (550, b"5.7.1 Not ours")
        assert send(smtp)[0] == 550
        assert [mail.helo for mail in running.mails] == ["mail.emitter.example"] * 2
        assert running.mails[0].message == BOUNCE.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("outcome", [Outcome.BUSY, None], ids=["busy", "mistake of ours"])
def test_what_could_not_be_stored_comes_again(outcome: Outcome | None) -> None:
    with receiver() as running, running.smtp() as smtp:
        running.outcome = outcome
        assert send(smtp)[0] == 451


def test_a_callout_is_counted_when_the_client_goes() -> None:
    with receiver() as running:
        with running.smtp() as smtp:
            smtp.ehlo()
            smtp.docmd("MAIL", "FROM:<>")
            assert smtp.docmd("RCPT", "TO:<old@trap.example>")[0] == 250
        wait_until(lambda: running.callouts, seconds=30, words=lambda: "no callout was counted")
        assert running.callouts == [Callout(helo="mail.emitter.example", recipients=("old@trap.example",))]


def test_callouts_that_wait_put_no_mail_off() -> None:
    with receiver(most_waiting=2, most_calling=3) as running:
        running.calls_blocked.clear()
        with running.smtp() as caller, running.smtp() as smtp:
            caller.ehlo()
            for number in range(50):
                caller.docmd("MAIL", "FROM:<>")
                assert caller.docmd("RCPT", f"TO:<x{number}@trap.example>")[0] == 250
                caller.rset()
            assert running.counts["callouts"] == 50
            assert send(smtp)[0] == 550
            assert running.counts["callouts_dropped"] == 47
            running.calls_blocked.set()
            wait_until(
                lambda: len(running.callouts) == 3, seconds=30, words=lambda: f"{len(running.callouts)} came"
            )


def test_callouts_that_come_in_one_piece_wait_no_more_than_others() -> None:
    with receiver(most_calling=3) as running:
        running.calls_blocked.clear()
        with running.raw() as raw:
            raw.sendall(b"EHLO a\r\n")
            raw.sendall(b"MAIL FROM:<>\r\nRCPT TO:<x@trap.example>\r\nRSET\r\n" * 50 + b"QUIT\r\n")
            while raw.recv(4096):
                pass
        assert running.counts["callouts"] == 50
        assert running.counts["callouts_dropped"] == 47


def certificate(folder: pathlib.Path) -> pathlib.Path:
    file = folder / "certificate.pem"
    command = [needs("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=mx.trap.example", "-keyout", str(file), "-out", "-"]
    done = subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + done.stdout)
    return file


def test_starttls(tmp_path: pathlib.Path) -> None:
    file = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    trusting = ssl.create_default_context(cafile=str(file))
    trusting.check_hostname = False
    with receiver(tls=tls) as running:
        with running.smtp() as smtp:
            smtp.ehlo()
            assert smtp.starttls(context=trusting)[0] == 220
            assert smtp.docmd("MAIL", "FROM:<>")[0] == 503  # nothing said in the clear counts
            assert send(smtp)[0] == 550
        with running.raw() as raw:  # no handshake at all
            raw.sendall(b"EHLO a\r\n")
            raw.sendall(b"STARTTLS\r\n")
            received = b""
            while b"220 2.0.0" not in received:
                received += raw.recv(4096)
            raw.sendall(b"MAIL FROM:<>\r\n" * 10)
            with contextlib.suppress(ConnectionError):
                while raw.recv(4096):
                    pass
        with running.smtp() as smtp:
            assert send(smtp)[0] == 550
        assert len(running.mails) == 2
        assert running.server is not None
        wait_until(
            lambda: running.server is not None and running.server.connections == 0,
            seconds=30,
            words=lambda: "a connection stays",
        )
        assert running.server.held_bytes == 0


def test_one_address_has_only_so_many_connections() -> None:
    with receiver(most_from_one=2) as running:
        first, second, third = running.smtp(), running.smtp(), running.raw()
        assert third.recv(100).startswith(b"421 ")
        assert third.recv(100) == b""
        first.close()
        wait_until(
            lambda: running.server is not None and running.server.connections == 1,
            seconds=30,
            words=lambda: "the place is not free again",
        )
        with running.smtp() as smtp:
            assert send(smtp)[0] == 550
        second.close()
        third.close()


def test_a_thousand_connections_at_once_all_get_their_reply_and_the_next_one_is_told_to_come_again() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("needs 4,096 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    with receiver(most_connections=1000, most_from_one=1000) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.raw()) for _ in range(1000)]
        assert all(client.recv(100).startswith(b"220 ") for client in clients)
        extra = stack.enter_context(running.raw())
        assert extra.recv(100).startswith(b"421 ")
        envelope = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<old@trap.example>\r\nDATA\r\n"
        for client in clients:
            client.sendall(envelope + BOUNCE[:200])
        for number, client in enumerate(clients):
            client.sendall(b"\r\n%d\r\n.\r\nQUIT\r\n" % number)
        for client in clients:
            received = b""
            while part := client.recv(4096):
                received += part
            # Refused for good after it was stored, or put off because so many came together.
            assert b"\r\n550 5.7.1 Not ours\r\n221 " in received or b"\r\n451 4.3.2" in received
        assert len(running.mails) >= 64
        assert len(running.mails) + running.counts["put_off"] == 1000


def test_slow_clients_are_ended_and_others_are_served_meanwhile() -> None:
    with receiver(idle_s=1.0, session_s=3.0) as running:
        silent, dripping = running.raw(), running.raw()
        dripping.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<old@trap.example>\r\nDATA\r\n")
        ended = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.2):
                    dripping.sendall(b"x")
            ended.set()

        thread = threading.Thread(target=drip)
        thread.start()
        with running.smtp() as smtp:
            assert send(smtp)[0] == 550
        received = b""
        while part := silent.recv(4096):
            received += part
        assert b"421 4.3.2 Too slow" in received
        received = b""
        with contextlib.suppress(ConnectionError):
            while part := dripping.recv(4096):
                received += part
        assert b"421 4.3.2 Too slow" in received
        ended.set()
        thread.join()
        silent.close()
        dripping.close()


def test_a_client_that_never_reads_does_not_fill_the_memory() -> None:
    with receiver(idle_s=2.0) as running:
        deaf = running.raw()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.5)
        sent = 0
        with contextlib.suppress(OSError):
            for _ in range(2000):
                sent += deaf.send(b"EHLO aaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 30)
        with running.smtp() as smtp:
            assert send(smtp)[0] == 550
        deaf.close()


def test_unfinished_mails_of_all_clients_share_a_limit() -> None:
    with receiver(held_bytes=100_000) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.raw()) for _ in range(10)]
        for client in clients:
            client.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<old@trap.example>\r\nDATA\r\n")
            client.sendall((b"x" * 998 + b"\r\n") * 50)
            assert running.server is not None
        wait_until(
            lambda: running.server is not None and 90_000 < running.server.held_bytes < 250_000,
            seconds=30,
            words=lambda: f"{running.server and running.server.held_bytes} bytes are held",
        )
        for client in clients:
            client.sendall(b"\r\n.\r\nQUIT\r\n")
        answers = []
        for client in clients:
            received = b""
            while part := client.recv(4096):
                received += part
            answers.append(received.splitlines()[-2][:3])
        assert set(answers) == {b"550", b"451"}


def test_who_leaves_while_his_mail_is_judged_has_it_judged() -> None:
    with receiver() as running:
        running.blocked.clear()
        with running.raw() as client:
            client.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<old@trap.example>\r\nDATA\r\nx: y\r\n.\r\n")
            wait_until(
                lambda: running.server is not None and running.server._waiting,
                seconds=30,
                words=lambda: "the mail is not judged",
            )
        running.blocked.set()
        wait_until(lambda: running.mails, seconds=30, words=lambda: "the mail is lost")
        assert running.callouts == []


def test_a_stop_finishes_what_is_being_judged() -> None:
    with receiver() as running:
        running.blocked.clear()
        waiting, idle = running.raw(), running.raw()
        waiting.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<old@trap.example>\r\nDATA\r\nx: y\r\n.\r\n")
        wait_until(
            lambda: running.server is not None and running.server._waiting,
            seconds=30,
            words=lambda: "the mail is not judged",
        )
        assert idle.recv(100).startswith(b"220 ")
        assert running.server is not None
        running.loop.call_soon_threadsafe(running.server.stop)  # type: ignore[attr-defined]
        assert idle.recv(100).startswith(b"421 ")
        running.blocked.set()
        received = b""
        while part := waiting.recv(4096):
            received += part
        assert received.endswith(b"550 5.7.1 Not ours\r\n")
        waiting.close()
        idle.close()


# The program


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"domains": ()}, "no trap is named", id="no trap"),
        pytest.param({"reporter": "nobody"}, "no reporter named nobody is registered", id="not registered"),
        pytest.param({"tls_certificate": pathlib.Path("/nowhere")}, "certificate", id="no certificate"),
    ],
)
def test_it_says_in_words_why_it_cannot_start(
    sqlite: Database, tmp_path: pathlib.Path, change: dict[str, Any], words: str
) -> None:
    feed = opened(sqlite, tmp_path, **change)
    with pytest.raises(trap.TrapError, match=words):
        trap.run(feed, [])
    feed.database.dispose()


@pytest.mark.parametrize(
    "lines",
    [
        'domains = ["no domain"]',
        'addresses = ["trap.example"]',
        'tls_key = "/key"',
        "most_connections = 0",
        'refusal = "a\\nb"',
    ],
)
def test_wrong_settings_are_named(tmp_path: pathlib.Path, lines: str) -> None:
    file = tmp_path / "backscatter.toml"
    file.write_text(f"[trap]\n{lines}\n")
    with pytest.raises(SettingsError, match="trap"):
        load(file)


@pytest.fixture
def program(sqlite: Database, tmp_path: pathlib.Path) -> Iterator[Callable[[], tuple[Any, int]]]:
    """Start the real command on a free port, as often as a test wants."""
    opened(sqlite, tmp_path).database.dispose()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    file = tmp_path / "backscatter.toml"
    file.write_text(
        f'[store]\nurl = "{sqlite.url.render_as_string(hide_password=False)}"\n'
        f'secret_file = "{tmp_path}/secret"\n[publish]\nfolder = "{tmp_path}/snapshots"\n'
        f'[trap]\nlisten = ["127.0.0.1:{port}"]\ndomains = ["trap.example"]\nhostname = "mx.trap.example"\n'
    )
    started: list[subprocess.Popen[bytes]] = []

    def start() -> tuple[Any, int]:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest", "trap", "--config", str(file)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("BSF_")},
        )
        started.append(process)
        assert process.stderr is not None
        assert b"trap_listening" in process.stderr.readline()
        return process, port

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_the_program_takes_mail_and_ends_cleanly(program: Callable[[], tuple[Any, int]]) -> None:
    process, port = program()
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        # From loopback nothing can be evidence; it is judged by a child all the same and refused for good.
        code, words = send(smtp)
        assert code == 550
        assert b"Why: http" in words
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert b'"mail_refused": 1' in process.stderr.read()


def test_killed_half_way_the_client_has_no_reply_and_comes_again(
    program: Callable[[], tuple[Any, int]],
) -> None:
    process, port = program()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<old@trap.example>\r\nDATA\r\nhalf")
        while b"354" not in client.recv(4096):
            pass
        process.kill()
        process.wait()
        with contextlib.suppress(ConnectionError):
            assert client.recv(4096) == b""
    _, port = program()
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        assert send(smtp)[0] == 550


def test_stored_but_killed_before_the_reply_the_mail_comes_again_and_counts_once(desk: TrapDesk) -> None:
    first = desk.mail(a_mail(), EMITTER)
    restarted = TrapDesk(desk._feed, reporter="traps", now=lambda: NOW + dt.timedelta(minutes=30))
    assert (first, restarted.mail(a_mail(), EMITTER)) == (Outcome.ACCEPTED, Outcome.DUPLICATE)
    restarted.close()
    assert len(events(desk)) == 1


def test_limits_are_those_of_the_settings(sqlite: Database, tmp_path: pathlib.Path) -> None:
    feed = opened(sqlite, tmp_path, most_connections=7, most_from_one=3, largest_bytes=70_000, refusal="Bye")
    rules = trap.rules_of(feed)
    assert (rules.most_connections, rules.most_from_one, rules.refusal) == (7, 3, "Bye")
    assert rules.limits == Limits(largest_bytes=70_000)
    feed.database.dispose()
