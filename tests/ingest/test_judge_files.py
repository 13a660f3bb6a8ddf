"""Judging files offline: every sort of mail store, broken ones too, and the exit code."""

import io
import json
import os
from pathlib import Path

import pytest

from feed.domain.event import RecipientClass
from ingest.judge_files import find_mails, run
from ingest.mail.judgement import Claim
from tests import mails

BORDER = mails.Border(host="mx.reporter.example", ip="192.0.2.25")
FORGED_HOST = mails.Border(host="mx.other.example", ip="192.0.2.26")

NOTHING = Claim()


def outcome(
    *paths: Path, border_hosts: tuple[str, ...] = (), jobs: int = 1, claim: Claim = NOTHING
) -> tuple[int, list[dict[str, object]], str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(
        paths,
        border_hosts=border_hosts,
        claim=claim,
        now=mails.NOW,
        out=out,
        err=err,
        jobs=jobs,
        accept_special=True,
    )
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def kinds(found: list[dict[str, object]]) -> list[object]:
    return [row["kind"] for row in found]


def test_one_file_is_one_mail(tmp_path: Path) -> None:
    path = tmp_path / "bounce.eml"
    path.write_bytes(mails.dsn(border=BORDER))
    code, found, problems = outcome(path, border_hosts=("MX.Reporter.Example.",))
    assert (code, problems) == (0, "")
    assert found[0] == {
        "file": str(path),
        "kind": "dsn_fail",
        "verdict": "backscatter",
        "refusal": None,
        "emitter": "192.0.2.25",
        "provenance": "P2",
        "attestation": "U1",
        "strength": 1,
        "status": "5.1.1",
        "software": "postfix",
        "observed_at": "2026-11-25T11:00:00+00:00",
        "reasons": ["delivery_status_part"],
        "defects": [],
    }


def test_without_a_border_host_the_kind_is_told_and_no_address(tmp_path: Path) -> None:
    path = tmp_path / "bounce.eml"
    path.write_bytes(mails.dsn(border=BORDER))
    code, found, _ = outcome(path)
    assert code == 0
    assert (found[0]["kind"], found[0]["refusal"], found[0]["emitter"]) == (
        "dsn_fail",
        "no_trustworthy_address",
        None,
    )


def test_a_maildir_gives_what_was_delivered_and_nothing_else(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "dovecot-uidlist").write_text("3 V1 N2\n")
    (tmp_path / "cur" / "1.host:2,S").write_bytes(mails.dsn())
    (tmp_path / "new" / "2.host").write_bytes(mails.ndr_qmail())
    (tmp_path / "tmp" / "3.host").write_bytes(mails.ndr_exim())
    (tmp_path / ".Sent" / "cur" / "4.host:2,").write_bytes(mails.auto_reply())
    code, found, _ = outcome(tmp_path)
    assert (code, kinds(found)) == (0, ["auto", "dsn_fail", "ndr"])


def test_an_mbox_gives_its_mails_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    line = b"From MAILER-DAEMON Wed Nov 25 10:00:00 2026\n"
    quoted = mails.ordinary(text="Hello\n\n>From here on it is quoted\nFrom a line in the middle\n")
    path.write_bytes(b"\n".join(line + mail for mail in (mails.dsn(), quoted, mails.auto_reply())))
    code, found, _ = outcome(path)
    assert (code, kinds(found)) == (0, ["dsn_fail", "none", "auto"])
    assert [row["file"] for row in found] == [f"{path}#{number}" for number in (1, 2, 3)]


def test_directories_are_searched_in_depth_and_rings_of_links_end(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.eml").write_bytes(mails.dsn())
    (deep / ".hidden").write_bytes(mails.dsn())
    (deep / "ring").symlink_to(tmp_path)
    code, found, _ = outcome(tmp_path)
    assert (code, len(found)) == (0, 1)


def test_what_cannot_be_read_is_named_and_the_others_are_judged(tmp_path: Path) -> None:
    good, missing, pipe = tmp_path / "good.eml", tmp_path / "missing.eml", tmp_path / "pipe"
    good.write_bytes(mails.dsn())
    os.mkfifo(pipe)
    code, found, problems = outcome(missing, pipe, good)
    assert (code, kinds(found)) == (1, ["dsn_fail"])
    assert f"{missing}: no such file or directory" in problems
    assert f"{pipe}: not a regular file" in problems


def test_nothing_found_is_said(tmp_path: Path) -> None:
    code, found, problems = outcome(tmp_path)
    assert (code, found) == (2, [])
    assert "no mail" in problems


def test_a_huge_file_is_read_only_as_far_as_it_matters(tmp_path: Path) -> None:
    path = tmp_path / "huge.eml"
    with path.open("wb") as file:
        file.write(mails.dsn(border=BORDER))
        file.truncate(1 << 30)
    assert max(len(mail.message) for mail in find_mails([path])) < 1 << 20
    code, found, _ = outcome(path)
    assert (code, kinds(found)) == (0, ["dsn_fail"])


@pytest.mark.parametrize(("jobs", "times"), [(1, 9), (2, 9), (2, 60)], ids=["one", "two, few mails", "two"])
def test_the_result_does_not_depend_on_the_number_of_processes(tmp_path: Path, jobs: int, times: int) -> None:
    made = [
        mails.dsn(border=BORDER),
        mails.ndr_qmail(border=FORGED_HOST),
        mails.ordinary(),
        b"\0\xff",
        b"",
    ] * times
    for number, message in enumerate(made):
        (tmp_path / f"{number:03}.eml").write_bytes(message)
    code, found, problems = outcome(tmp_path, border_hosts=("mx.reporter.example",), jobs=jobs)
    assert (code, problems) == (0, "")
    assert kinds(found) == ["dsn_fail", "ndr", "none", "none", "none"] * times


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_and_the_output_stays_pure_json(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mails.dsn(border=BORDER))
    out, err = io.StringIO(), Terminal()
    assert run([tmp_path], now=mails.NOW, out=out, err=err, jobs=1) == 0
    assert json.loads(out.getvalue())["kind"] == "dsn_fail"
    assert "bounce" in err.getvalue()


def test_a_claim_counts_as_it_does_in_the_api(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(mails.dsn(border=BORDER))
    claim = Claim(recipient_class=RecipientClass.TRAP)
    _, found, _ = outcome(tmp_path, border_hosts=("mx.reporter.example",), claim=claim)
    assert (found[0]["attestation"], found[0]["verdict"]) == ("U4", "backscatter")


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not asked"])
def test_a_forward_is_opened_where_that_is_asked(tmp_path: Path, *, asked: bool) -> None:
    carried = [("text/plain", "Look what came."), ("message/rfc822", mails.dsn(border=BORDER).decode())]
    fields = [
        *mails.top(FORGED_HOST, mails.VICTIM), ("From", "Jo <jo@reporter.example>"),
        ("To", "abuse@reporter.example"), ("Subject", "Fwd: Undelivered Mail Returned to Sender"),
    ]  # fmt: skip
    (tmp_path / "one").write_bytes(mails.multipart(fields, "mixed", carried, boundary="=_w0"))
    _, found, _ = outcome(tmp_path, border_hosts=("mx.reporter.example",), claim=Claim(forwarded=asked))
    assert (found[0]["emitter"] == "192.0.2.25") is asked
