"""Signatures by several processes: the same findings as by one, and no bad line called good."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.case import case as case_module
from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.rules.open import open_case
from audit.rules.signed import check_signatures
from audit.verify import signatures
from audit.verify.signatures import SignatureVerifier, verify_spans
from audit.verify.verify import verify_case
from protocol.dsse import parse_envelope
from protocol.log.leaf import sealed_leaf
from protocol.messages.bodies import RejectionBody
from protocol.signing import SecretSeed
from tests.unit.audit_log import (
    ANNE,
    BERT,
    CHARTER_ID,
    HUB,
    AuditLog,
    Entry,
    brokered,
    case_line,
    council,
    founded,
    payload_line,
)

PADDED = 60
Found = set[tuple[Code, int | None]]


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many spans and two processes for a log of a few entries."""
    monkeypatch.setattr(case_module, "SPAN_BYTES", 5000)
    monkeypatch.setattr(signatures, "WORTH_A_PROCESS", 10)


def padded() -> AuditLog:
    log = brokered(council())
    log.pad(PADDED - len(log.entries))
    return log


def lines_of(log: AuditLog) -> list[bytes]:
    return [case_line(index, entry) for index, entry in enumerate(log.entries)]


def written(log: AuditLog, folder: Path, lines: Sequence[bytes] | None = None) -> Case:
    log.write(folder)
    if lines is not None:
        (folder / "payloads" / "payloads.jsonl").write_bytes(
            b"".join(item + b"\n" for item in lines)
        )
    return Case(folder)


def found(case: Case, jobs: int, opening: int = 1) -> Found:
    """What `verify` says of the signatures by so many processes, and that `open` says it too: by
    one, unless `opening` says more, since each of them loads the program.
    """
    verified = verify_case(case)
    assert verified.findings == ()
    signed = {(item.code, item.index) for item in check_signatures(case, verified, jobs).findings}
    opened = {(item.code, item.index) for item in open_case(case, verified, opening).findings}
    assert signed <= opened
    return signed


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_line_of_an_honest_case_is_verified(tmp_path: Path, jobs: int) -> None:
    case = written(padded(), tmp_path / "case")
    verified = verify_case(case)
    spans = list(verify_spans(case, verified, jobs))
    assert len(spans) > 5
    assert b"".join(item.lines for item in spans) == b"\x01" * PADDED
    signed = check_signatures(case, verified, jobs)
    assert (signed.signed, signed.findings) == (PADDED, ())
    assert open_case(case, verified, jobs).checked["signatures"] == PADDED - 6


def stamped(**stamp: Any) -> AuditLog:
    """A log whose entry 30 is signed in another way than the others."""
    log = padded()
    del log.entries[30:]
    body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
    log.log(log.sign(stamp.pop("party", HUB), body, ANNE.id, **stamp))
    log.pad(PADDED - len(log.entries))
    return log


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("log", "code"),
    [
        (lambda: stamped(seed=SecretSeed(b"\x99" * 32)), Code.BAD_SIGNATURE),
        (lambda: stamped(seed=ANNE.seed), Code.BAD_SIGNATURE),
        (lambda: stamped(party=Stranger()), Code.BAD_SIGNATURE),
    ],
)
def test_a_signature_by_another_key_is_named(
    tmp_path: Path, log: Callable[[], AuditLog], code: Code, jobs: int
) -> None:
    assert found(written(log(), tmp_path / "case"), jobs) == {(code, 30)}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("forged", [b"\x00" * 64, b"", b"\x01" + bytes(63)])
def test_a_forged_signature_under_the_right_key_id_is_named(
    tmp_path: Path, forged: bytes, jobs: int
) -> None:
    log = padded()
    envelope = parse_envelope(log.entries[30].envelope)
    signature = forged or envelope.signature[:-1] + bytes([envelope.signature[-1] ^ 1])
    data = replace(envelope, signature=signature).encode()
    salt = log.entries[30].salt
    log.entries[30] = Entry(sealed_leaf(salt, data), salt, data, [])
    assert found(written(log, tmp_path / "case"), jobs, jobs) == {(Code.BAD_SIGNATURE, 30)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_signature_under_a_wrong_key_id_is_named(tmp_path: Path, jobs: int) -> None:
    log = padded()
    envelope = replace(parse_envelope(log.entries[30].envelope), key_id="0123456789abcdef")
    data, salt = envelope.encode(), log.entries[30].salt
    log.entries[30] = Entry(sealed_leaf(salt, data), salt, data, [])
    assert found(written(log, tmp_path / "case"), jobs) == {(Code.BAD_SIGNATURE, 30)}


class Stranger:
    """Somebody who is no member."""

    id = "5e" * 16
    seed = SecretSeed(b"S" * 32)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("field", ["charter_id", "log_origin"])
def test_a_statement_for_another_federation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, jobs: int
) -> None:
    log = padded()
    del log.entries[30:]
    with monkeypatch.context() as patch:
        if field == "charter_id":
            patch.setattr("tests.unit.audit_log.CHARTER_ID", "c1" * 16)
        else:
            other = type("Other", (), {"name": "other.example/log"})
            patch.setattr("tests.unit.audit_log.LOG", other)
        body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
        log.log(log.sign(ANNE, body, ANNE.id))
    log.pad(PADDED - len(log.entries))
    assert found(written(log, tmp_path / "case"), jobs) == {(Code.WRONG_CHARTER, 30)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_swapped_payloads_are_named(tmp_path: Path, jobs: int) -> None:
    log = padded()
    lines = lines_of(log)
    lines[20] = case_line(20, log.entries[21])
    lines[21] = case_line(21, log.entries[20])
    case = written(log, tmp_path / "case", lines)
    assert found(case, jobs) == {(Code.PAYLOAD_DIFFERS, 20), (Code.PAYLOAD_DIFFERS, 21)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_good_line_does_not_vouch_for_a_bad_one_of_the_same_index(
    tmp_path: Path, jobs: int
) -> None:
    log = padded()
    lines = lines_of(log)
    lines.insert(20, case_line(20, log.entries[21]))
    case = written(log, tmp_path / "case", lines)
    assert found(case, jobs) == {(Code.PAYLOAD_DIFFERS, 20), (Code.PAYLOAD_ORDER, 20)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_lines_that_are_repeated_far_behind_are_out_of_order(tmp_path: Path, jobs: int) -> None:
    log = padded()
    lines = lines_of(log)
    case = written(log, tmp_path / "case", [*lines, *lines[6:30]])
    assert found(case, jobs) == {(Code.PAYLOAD_ORDER, index) for index in range(6, 30)}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    "line", [b"", b"{}", b"\xff" * 50, b"x" * 200_000, b'{"envelope":{' + b"y" * 140_000 + b"}"]
)
def test_what_is_no_line_is_named(tmp_path: Path, line: bytes, jobs: int) -> None:
    log = padded()
    lines = lines_of(log)
    lines[40] = line
    findings = found(written(log, tmp_path / "case", lines), jobs)
    assert findings == {(Code.PAYLOAD_MALFORMED, None)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"evidence":0', b'"evidence":00'),
        (b'"evidence":0', b'"evidence": 0'),
        (b'"evidence":0', b'"evidence":-0'),
        (b'"evidence":0', b'"evidence":1025'),
        (b'"evidence":0', b'"evidence":0,"more":1'),
        (b'"index":40', b'"index":040'),
        (b'"index":40', b'"index":4_0'),
        (b'"index":40', b'"index":+40'),
        (b'"salt":"', b'"salt": "'),
        (b'"}', b'"} '),
        (b'{"envelope":', b' {"envelope":'),
    ],
)
def test_a_line_has_one_form(tmp_path: Path, old: bytes, new: bytes) -> None:
    log = padded()
    lines = lines_of(log)
    place = lines[40].rfind(old)
    lines[40] = lines[40][:place] + new + lines[40][place + len(old) :]
    case = written(log, tmp_path / "case", lines)
    assert found(case, 1) == {(Code.PAYLOAD_MALFORMED, None)}


def test_a_salt_has_one_form(tmp_path: Path) -> None:
    log = padded()
    lines = lines_of(log)
    salt = log.entries[40].salt.hex().encode()
    assert salt != salt.upper()
    lines[40] = lines[40].replace(salt, salt.upper())
    assert found(written(log, tmp_path / "case", lines), 1) == {(Code.PAYLOAD_MALFORMED, None)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_lines_in_base64_are_read_too(tmp_path: Path, jobs: int) -> None:
    log = padded()
    lines = [payload_line(index, entry) for index, entry in enumerate(log.entries)]
    assert found(written(log, tmp_path / "case", lines), jobs) == set()


def test_a_key_counts_from_the_entry_after_the_one_that_names_it(tmp_path: Path) -> None:
    """Between a change of keys and the entry before it, no look-up may be carried over."""
    log = founded()
    body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
    early = log.log(log.sign(BERT, body, CHARTER_ID))
    log.admit(BERT, "health_provider", status="revoked")
    late = log.log(log.sign(BERT, body, CHARTER_ID))
    case = written(log, tmp_path / "case")
    verified = verify_case(case)
    (span,) = [SignatureVerifier(case, verified).verify(span) for span in _one_span(case)]
    assert (span.lines[early], span.lines[late]) == (1, 0)


def _one_span(case: Case) -> list[case_module.Span]:
    spans = list(case.payload_spans())
    return [case_module.Span(spans[0].start, spans[-1].end)]
