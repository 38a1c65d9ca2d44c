"""A sample that nobody can steer: drawn again by hand, from the number and the log alone."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.findings import FindingCode as Code
from audit.report.sample import draw_sample
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from protocol.errors import ErrorCode, RemoteError
from protocol.log.merkle import leaf_hash, root
from protocol.messages.audit import SampleCommitmentBody
from tests.unit.audit_log import ANNE, AUDITOR, CHARTER_ID, AuditLog, Party, council

NUMBER = bytes(range(32))
OTHER = bytes(32)
REQUESTS = 12
Write = Callable[[AuditLog], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    numbers = count(1)
    return lambda log: log.write(tmp_path / f"case-{next(numbers)}")


def commit_to(log: AuditLog, number: bytes, size: int, party: Party = AUDITOR) -> int:
    commitment = hashlib.sha256(b"patchwork.sample.v1\n" + number).hexdigest()
    log.say(party, SampleCommitmentBody(commitment=commitment, count=size), CHARTER_ID)
    return log.last()


def asked(log: AuditLog, number: int, **changes: Any) -> int:
    request = log.ask(f"{number:032x}", **changes)
    index = log.last()
    log.hub_decides(request)
    return index


def with_requests(many: int = REQUESTS) -> tuple[AuditLog, list[int]]:
    log = council()
    return log, [asked(log, number) for number in range(1, many + 1)]


def by_hand(log: AuditLog, number: bytes, last: int, requests: list[int]) -> list[int]:
    """The order of the draw, computed from the log's leaves."""
    first_root = root([leaf_hash(entry.leaf) for entry in log.entries[: last + 1]])
    seed = hashlib.sha256(b"patchwork.sample.seed.v1\n" + number + first_root).digest()
    ranks = {at: hashlib.sha256(seed + at.to_bytes(8, "big")).digest() for at in requests}
    return sorted(requests, key=ranks.__getitem__)


def drawn(case: Path, number: bytes = NUMBER, size: int | None = None) -> list[tuple[int, str]]:
    sample = draw_sample(Case(case), number, size).sample
    return [(item.asked.index, item.why) for item in sample.drawn]


def test_the_draw_is_the_one_made_by_hand(write: Write) -> None:
    log, requests = with_requests()
    at = commit_to(log, NUMBER, 5)
    expected = [(index, "drawn") for index in by_hand(log, NUMBER, at, requests)]
    assert drawn(write(log)) == expected[:5]
    assert drawn(write(log), size=9) == expected[:9]
    assert drawn(write(log), size=99) == expected


def test_requests_after_the_commitment_change_nothing(write: Write) -> None:
    log, _ = with_requests()
    commit_to(log, NUMBER, 5)
    before = drawn(write(log))
    asked(log, 99)
    asked(log, 98, facts={"views": "not_safe_to_seek", "proportionality": "0" * 64})
    assert drawn(write(log)) == before


def test_another_number_and_another_log_draw_another_sample(write: Write) -> None:
    log, _ = with_requests(40)
    commit_to(log, NUMBER, 5)
    first = drawn(write(log))
    commit_to(log, OTHER, 5)
    assert drawn(write(log), OTHER) != first
    other, _ = with_requests(39)
    asked(other, 41)
    commit_to(other, NUMBER, 5)
    assert drawn(write(other)) != first


def test_overrides_come_first_and_all_of_them(write: Write) -> None:
    log, _ = with_requests(5)
    views = {"views": "not_safe_to_seek", "proportionality": "0" * 64}
    told = {"enquiry_reference": "0" * 64, "informed": "unsafe_to_inform"}
    glass = {"break_glass_reason": "0" * 64}
    indexes = [
        asked(log, 50, facts=views),
        asked(log, 51, basis="UK-CA89-S47", facts=told),
        asked(log, 52, facts=glass),
    ]
    asked(log, 53, basis="UK-CA89-S47", facts={**told, "informed": "informed"})
    commit_to(log, NUMBER, 1)
    found = drawn(write(log))
    assert found[:3] == [(index, "override") for index in indexes]
    assert [why for _, why in found[3:]] == ["drawn"]


def test_fewer_than_committed_to_are_not_drawn(write: Write) -> None:
    log, _ = with_requests()
    commit_to(log, NUMBER, 5)
    with pytest.raises(RemoteError) as caught:
        drawn(write(log), size=4)
    assert caught.value.code is ErrorCode.NOT_ALLOWED


def test_a_number_that_nobody_committed_to_draws_nothing(write: Write) -> None:
    log, _ = with_requests()
    commit_to(log, NUMBER, 5)
    with pytest.raises(RemoteError) as caught:
        drawn(write(log), OTHER)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_a_commitment_that_the_auditor_did_not_sign_draws_nothing(write: Write) -> None:
    log, _ = with_requests()
    body = SampleCommitmentBody(
        commitment=hashlib.sha256(b"patchwork.sample.v1\n" + NUMBER).hexdigest(), count=5
    )
    log.say(AUDITOR, body, CHARTER_ID, seed=ANNE.seed)
    with pytest.raises(RemoteError) as caught:
        drawn(write(log))
    assert caught.value.code is ErrorCode.BAD_SIGNATURE


def test_an_agency_that_commits_to_a_sample_is_a_finding(write: Write) -> None:
    log, _ = with_requests(1)
    index = commit_to(log, NUMBER, 5, ANNE)
    case = Case(write(log))
    found = [(item.code, item.index) for item in open_case(case, verify_case(case)).findings]
    assert found == [(Code.WRONG_SENDER, index)]


def test_an_auditor_who_tries_again_is_seen_to_have_done_so(write: Write) -> None:
    log, _ = with_requests()
    commit_to(log, OTHER, 5)
    commit_to(log, NUMBER, 5)
    sample = draw_sample(Case(write(log)), NUMBER, None).sample
    assert (sample.attempt, sample.attempts) == (2, 2)


def test_nothing_is_drawn_from_a_log_that_does_not_add_up(write: Write) -> None:
    log, _ = with_requests()
    commit_to(log, NUMBER, 5)
    case = write(log)
    path = next((case / "log" / "tile/entries").rglob("*"))
    path = path if path.is_file() else next(path.rglob("*"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(RemoteError) as caught:
        drawn(case)
    assert caught.value.code is ErrorCode.BAD_TREE


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_the_command_writes_a_worksheet_without_anything_sealed(
    write: Write, tmp_path: Path
) -> None:
    log, requests = with_requests()
    decision = log.holder_decides(log.hub_decides(log.ask("aa" * 16)))
    log.receipt(log.release(decision))
    at = commit_to(log, NUMBER, REQUESTS + 1)
    out = tmp_path / "sheet"
    code, text = run("sample", write(log), "--number", NUMBER.hex(), "--out", out)
    assert (code, "Drew 13 of 13 requests." in text) == (0, True)
    rows = list(csv.DictReader(io.StringIO((out / "worksheet.csv").read_text("utf-8"))))
    assert {int(row["entry"]) for row in rows} >= set(requests)
    answered = next(row for row in rows if row["agency said"] == "allow")
    assert answered["decided by"] == "41" * 16
    assert answered["facts stated"] == "proportionality: sealed, ask the agency; views: sought"
    assert {row["paper seen"] for row in rows} == {""}
    drawn_by = json.loads((out / "sample.json").read_text("utf-8"))
    assert drawn_by["commitment_entry"] == at
    page = (out / "worksheet.html").read_text("utf-8")
    assert f"--number {NUMBER.hex()}" in page
    assert "<script" not in page


def test_the_command_exits_3_without_commitment_and_2_for_wrong_usage(
    write: Write, tmp_path: Path
) -> None:
    case, out = write(with_requests(1)[0]), tmp_path / "out"
    assert run("sample", case, "--number", NUMBER.hex(), "--out", out)[0] == 3
    assert run("sample", case, "--number", "xyz", "--out", out)[0] == 2
    assert run("sample", case, "--out", out)[0] == 2
    assert run("sample", case, "--file", tmp_path / "nowhere", "--out", out)[0] == 2
    assert not out.exists()
