"""Opening a case: what an honest hub wrote is clean; each lie is named by code and entry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.findings import FindingCode as Code
from audit.findings import Severity, exit_code
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from protocol.fields import WireModel
from protocol.log.checkpoint import cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.leaf import erasure_leaf, sealed_leaf
from protocol.log.note import NoteSigner, SignatureType
from protocol.messages.bodies import ExportBody, NoticeBody, RejectionBody
from protocol.messages.evaluations import EvaluationCountBody
from protocol.messages.parts import RequestPractitioner
from protocol.messages.statement import parse_statement
from protocol.signing import SecretSeed
from tests.unit.audit_log import (
    ANNE,
    ANNES_STUB,
    AUDITOR,
    BERT,
    BERTS_STUB,
    BERTS_WORK,
    CHARTER_ID,
    DAY,
    HUB,
    NOON,
    WITNESSES,
    AuditLog,
    Entry,
    Party,
    annes_row,
    berts_row,
    brokered,
    council,
    founded,
    make_charter,
    payload_line,
    row,
    work,
)

Found = list[tuple[Severity, Code, int | None]]
Write = Callable[[AuditLog], Path]
Audit = Callable[[AuditLog], Found]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return lambda log: log.write(tmp_path / "case")


@pytest.fixture
def audit(write: Write) -> Audit:
    return lambda log: opened(write(log))


def opened(folder: Path) -> Found:
    case = Case(folder)
    verified = verify_case(case)
    findings = (*verified.findings, *open_case(case, verified).findings)
    return [(item.severity, item.code, item.index) for item in findings]


def rules(*found: tuple[Code, int]) -> Found:
    return [(Severity.RULE, code, index) for code, index in found]


def rewrite_payload(folder: Path, index: int, line: bytes | None) -> None:
    path = folder / "payloads" / "payloads.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1]
    lines[index : index + 1] = [] if line is None else [line]
    path.write_bytes(b"".join(item + b"\n" for item in lines))


def test_evidence_that_a_statement_cannot_have_is_seen(write: Write) -> None:
    """A byte of the payload file, beside the envelope: nothing signs it."""
    folder = write(brokered(council()))
    path = folder / "payloads" / "payloads.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b'"evidence":0', b'"evidence":4')
    path.write_bytes(b"\n".join(lines))
    assert (Severity.BROKEN, Code.PAYLOAD_DIFFERS, 1) in opened(folder)


def test_a_payload_file_that_was_cut_by_a_byte_is_seen(write: Write) -> None:
    folder = write(brokered(council()))
    path = folder / "payloads" / "payloads.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert {code for _, code, _ in opened(folder)} == {
        Code.PAYLOAD_MALFORMED,
        Code.PAYLOAD_MISSING,
    }


# Honest logs


def test_an_honest_log_is_clean_and_counted(write: Write) -> None:
    case = Case(write(brokered(council())))
    verified = verify_case(case)
    result = open_case(case, verified)
    assert (verified.findings, result.findings) == ((), ())
    assert result.checked["payloads"] == 8
    assert result.checked["decisions_made_again"] == 1
    assert result.checked["stub_rows"] == 2
    assert result.checked["kind_receipt"] == 1


def test_an_honest_refusal_is_decided_the_same_again(audit: Audit) -> None:
    log = council()
    log.match("ended")
    log.hub_decides(log.ask(), "refuse", "not_available")
    assert audit(log) == []


def test_a_withdrawn_stub_leaves_nothing_to_ask_for(audit: Audit) -> None:
    log = council()
    log.publish(BERT, [row(BERTS_STUB, revision=2)])
    log.hub_decides(log.ask(), "refuse", "not_available")
    assert audit(log) == []


def test_quota_and_midnight_are_counted_from_the_log(audit: Audit) -> None:
    charter = make_charter(
        quotas={
            "evaluations_per_day": 9,
            "requests_per_day": 2,
            "identity_checks_per_day": 1,
            "stubs_per_token": 3,
            "token_changes_per_stub": 3,
            "new_stubs_per_day": 20,
            "first_stubs": 100,
        }
    )
    log = council(charter)
    log.hub_decides(log.ask("21" * 16))
    log.hub_decides(log.ask("22" * 16))
    log.hub_decides(log.ask("23" * 16), "refuse", "over_quota")
    log.now += DAY
    log.hub_decides(log.ask("24" * 16))
    assert audit(log) == []


def test_a_new_charter_version_is_followed(audit: Audit) -> None:
    log = council()
    log.put_charter(make_charter(version=2, predecessor=log.charter.document_hash))
    assert audit(brokered(log)) == []


def test_a_charter_may_be_signed_under_its_own_version(audit: Audit) -> None:
    log = founded()
    second = make_charter(version=2, predecessor=log.charter.document_hash)
    log.put_charter(second, version=2)
    log.put_charter(make_charter(version=3, predecessor=second.document_hash), version=1)
    assert audit(log) == rules((Code.CHARTER_VERSION, 7))


def test_memberships_count_as_they_were_at_the_request(audit: Audit) -> None:
    log = council()
    log.hub_decides(log.ask())
    log.admit(ANNE, "childrens_social_care", "suspended")
    log.admit(BERT, "health_provider", "suspended")
    assert audit(log) == []


def test_a_stub_of_another_agency_is_no_fact(audit: Audit) -> None:
    log = council()
    unknown = ("round", "requester_publication", "holder_publication")
    request = log.ask(stub_id=BERTS_STUB)
    log.hub_decides(request, "refuse", "not_available", **dict.fromkeys(unknown))
    assert audit(log) == []


def test_a_permission_that_ends_within_five_minutes_is_let_pass(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.publish(BERT, [berts_row(2, until=log.now - 200)])
    log.holder_decides(hub)
    assert audit(log) == []


def test_only_the_holders_own_involvement_keeps_a_decision_in_force(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.publish(BERT, [row(BERTS_STUB, revision=2)])
    borrowed = work(BERTS_WORK, "health_visiting", "Health visiting")
    log.publish(ANNE, [row(ANNES_STUB, borrowed, revision=2)])
    log.holder_decides(hub)
    assert audit(log) == rules((Code.NOT_IN_FORCE, 13))


def test_auditor_and_key_holder_write_too(audit: Audit) -> None:
    log = founded()
    log.say(AUDITOR, ExportBody(start=0, end=4), CHARTER_ID)
    assert audit(log) == []


def test_the_last_request_may_still_wait_for_its_decision(audit: Audit) -> None:
    log = council()
    log.ask()
    assert audit(log) == []


# Payloads


def test_an_absent_payload_is_missing_at_its_index(write: Write) -> None:
    log = brokered(council())
    log.pad(3)
    folder = write(log)
    rewrite_payload(folder, 15, None)
    assert opened(folder) == [(Severity.MISSING, Code.PAYLOAD_MISSING, 15)]


def test_no_payloads_at_all_is_one_finding(write: Write) -> None:
    folder = write(council())
    (folder / "payloads" / "payloads.jsonl").unlink()
    assert opened(folder) == [(Severity.MISSING, Code.PAYLOADS_MISSING, None)]


def test_after_a_gap_nobody_is_accused_on_half_the_facts(write: Write) -> None:
    folder = write(brokered(council()))
    rewrite_payload(folder, 7, None)  # Bert's publication
    found = opened(folder)
    assert (Severity.MISSING, Code.PAYLOAD_MISSING, 7) in found
    assert (Severity.MISSING, Code.DECISION_DIFFERS, 10) in found
    assert {severity for severity, _, _ in found} == {Severity.MISSING}


@pytest.mark.parametrize("index", [6, 8, 9, 11, 13])
def test_a_changed_salt_is_broken_not_missing(write: Write, index: int) -> None:
    log = brokered(council())
    folder = write(log)
    entry = log.entries[index]
    other = Entry(entry.leaf, b"\x66" * 32, entry.envelope, entry.evidence)
    rewrite_payload(folder, index, payload_line(index, other))
    assert opened(folder)[0] == (Severity.BROKEN, Code.PAYLOAD_DIFFERS, index)


def test_swapped_envelopes_are_both_broken(write: Write) -> None:
    log = council()
    log.pad(2)
    folder = write(log)
    rewrite_payload(folder, 9, payload_line(9, log.entries[10]))
    rewrite_payload(folder, 10, payload_line(10, log.entries[9]))
    broken = [(Severity.BROKEN, Code.PAYLOAD_DIFFERS, index) for index in (9, 10)]
    assert opened(folder) == broken


def test_another_envelope_for_a_public_leaf_is_broken(write: Write) -> None:
    log = founded()
    folder = write(log)
    rewrite_payload(folder, 1, payload_line(1, log.entries[2]))
    assert opened(folder) == [(Severity.BROKEN, Code.PAYLOAD_DIFFERS, 1)]


def test_payload_lines_out_of_order_or_unreadable(write: Write) -> None:
    log = council()
    log.pad(3)
    folder = write(log)
    path = folder / "payloads" / "payloads.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1]
    path.write_bytes(b"\n".join([*lines, lines[9], payload_line(99, log.entries[9])]) + b"\n")
    order = [(Severity.BROKEN, Code.PAYLOAD_ORDER, index) for index in (9, 99)]
    assert opened(folder) == order
    path.write_bytes(b"\n".join([*lines[:10], lines[10][:-5], lines[11]]) + b"\n")
    assert set(opened(folder)) == {
        (Severity.MISSING, Code.PAYLOAD_MISSING, 10),
        (Severity.BROKEN, Code.PAYLOAD_MALFORMED, None),
    }
    path.write_bytes(b"\n".join([*lines[:11], b"x" * 300_000]) + b"\n")
    assert (Severity.BROKEN, Code.PAYLOAD_MALFORMED, None) in opened(folder)


# Statements


def test_an_envelope_in_another_encoding_is_found(audit: Audit) -> None:
    log = council()
    log.pad(1)
    last = log.entries[-1]
    spaced = last.envelope.replace(b'","', b'", "')
    log.entries[-1] = Entry(sealed_leaf(last.salt, spaced), last.salt, spaced, [])
    assert audit(log) == rules((Code.STATEMENT_MALFORMED, 9))


def test_a_kind_that_is_never_logged_and_a_leaf_without_a_kind(audit: Audit) -> None:
    log = founded()
    notice = log.sign(HUB, NoticeBody(round="0" * 64, links=[]), CHARTER_ID)
    log.log(notice)
    log.entries.append(Entry(erasure_leaf(b"{}"), bytes(32), b"{}", []))
    assert audit(log) == rules((Code.WRONG_KIND, 6), (Code.STATEMENT_MALFORMED, 7))


def test_a_public_kind_in_a_sealed_leaf_changes_nobodys_keys_unseen(audit: Audit) -> None:
    log = founded()
    log.admit(Party("C"), "housing")
    member = log.entries.pop()
    hidden = sealed_leaf(member.salt, member.envelope)
    log.entries.append(Entry(hidden, member.salt, member.envelope, []))
    assert audit(log) == rules((Code.WRONG_KIND, 6))


def test_a_signature_by_another_key_is_found(audit: Audit) -> None:
    log = council()
    request = log.ask(stamp_seed=BERT.seed)
    log.hub_decides(request)
    assert audit(log) == rules((Code.BAD_SIGNATURE, 9))


def test_a_decision_by_a_suspended_member_is_found_at_its_index(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.admit(BERT, "health_provider", "suspended")
    log.holder_decides(hub)
    assert audit(log) == rules((Code.BAD_SIGNATURE, 12))


def test_a_member_acts_only_after_its_leaf(audit: Audit) -> None:
    log = founded()
    carl = Party("C")
    log.publish(carl, [annes_row()])
    log.admit(carl, "housing")
    log.accept(carl)
    log.publish(carl, [annes_row(2)])
    codes = (Code.BAD_SIGNATURE, Code.WRONG_SENDER, Code.NOT_ACCEPTED)
    assert audit(log) == rules(*((code, 6) for code in codes))


def test_an_agency_publishes_and_asks_after_it_accepted_the_charter(audit: Audit) -> None:
    log = founded()
    carl = Party("C")
    log.admit(carl, "housing")
    log.publish(carl, [annes_row()])
    log.accept(carl, version=2)
    log.publish(carl, [annes_row(2)])
    assert audit(log) == rules(
        (Code.NOT_ACCEPTED, 7),
        (Code.ACCEPTANCE_DIFFERS, 8),
        (Code.NOT_ACCEPTED, 9),  # an acceptance of another charter counts for nothing
    )


def test_a_reused_nonce_names_both_entries(write: Write) -> None:
    log = founded()
    body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
    log.say(HUB, body, ANNE.id, nonce="ab" * 16)
    log.say(HUB, body, BERT.id, nonce="ab" * 16)
    log.say(AUDITOR, ExportBody(start=0, end=1), CHARTER_ID, nonce="ab" * 16)
    case = Case(write(log))
    (finding,) = open_case(case, verify_case(case)).findings
    assert (finding.code, finding.index) == (Code.REUSED_NONCE, 7)
    assert finding.detail.endswith("entry 6")


def test_a_statement_logged_twice_is_found(audit: Audit) -> None:
    log = founded()
    statement = log.say(AUDITOR, ExportBody(start=0, end=4), CHARTER_ID)
    log.log(statement)
    assert audit(log) == rules((Code.REUSED_NONCE, 7))


def test_a_stale_charter_version_is_found(audit: Audit) -> None:
    log = founded()
    log.put_charter(make_charter(version=2, predecessor=log.charter.document_hash))
    log.say(AUDITOR, ExportBody(start=0, end=4), CHARTER_ID, version=1)
    assert audit(log) == rules((Code.CHARTER_VERSION, 7))


@pytest.mark.parametrize(
    ("party", "body"),
    [
        (ANNE, ExportBody(start=0, end=1)),
        (ANNE, RejectionBody(statement="0" * 64, kind="request", code="conflict")),
        (ANNE, EvaluationCountBody(day=1, epoch=1, counts=[])),
    ],
)
def test_kinds_come_from_those_who_may_send_them(
    audit: Audit, party: Party, body: WireModel
) -> None:
    log = founded()
    log.say(party, body, CHARTER_ID)
    assert audit(log) == rules((Code.WRONG_SENDER, 6))


def test_what_is_for_the_hub_is_addressed_to_it(audit: Audit) -> None:
    log = founded()
    log.say(AUDITOR, ExportBody(start=0, end=1), ANNE.id)
    assert audit(log) == rules((Code.WRONG_RECIPIENT, 6))


# Decisions made again


def test_a_hub_that_allows_what_the_rules_refuse_is_found(audit: Audit) -> None:
    log = council()
    log.match("ended")
    log.ids["round"] = parse_id(log, 9)
    log.hub_decides(log.ask(), "allow")
    assert audit(log) == rules((Code.DECISION_DIFFERS, 11))


def parse_id(log: AuditLog, index: int) -> str:
    return parse_statement(log.entries[index].envelope).id


@pytest.mark.parametrize(
    "changes",
    [
        {"stub_id": BERTS_STUB},
        {"involvement_id": "99" * 16},
        {"link_id": "99" * 16},
        {"basis": "UK-CA89-S99"},
        {"purpose": "direct_care"},
        {"facts": {"views": "sought"}},
        {"facts": {"views": "perhaps", "proportionality": "0" * 64}},
        {"practitioner": RequestPractitioner(id="31" * 16, role="astronaut")},
        {"expires": NOON + 99 * DAY},
    ],
)
def test_every_ground_for_refusal_is_weighed_again(audit: Audit, changes: dict[str, Any]) -> None:
    log = council()
    log.hub_decides(log.ask(**changes), "allow")
    found = audit(log)
    assert (Severity.RULE, Code.DECISION_DIFFERS, 10) in found


def test_a_hub_that_refuses_what_the_rules_allow_is_found(audit: Audit) -> None:
    log = council()
    log.hub_decides(log.ask(), "refuse", "not_available")
    assert audit(log) == rules((Code.DECISION_DIFFERS, 10))


def test_the_right_outcome_with_another_code_is_found(audit: Audit) -> None:
    log = council()
    log.match("ended")
    log.hub_decides(log.ask(), "refuse", "over_quota")
    assert audit(log) == rules((Code.DECISION_DIFFERS, 11))


def test_facts_logged_after_the_request_do_not_count(audit: Audit) -> None:
    log = council()
    request = log.ask()
    log.match("ended")
    log.ids["round"] = parse_id(log, 8)
    log.hub_decides(request, "allow")
    assert audit(log) == []


def test_facts_that_came_after_cannot_justify_an_allow(audit: Audit) -> None:
    log = founded()
    log.publish(ANNE, [annes_row()])
    log.publish(BERT, [berts_row()])
    log.ids["round"] = "0" * 64
    request = log.ask()
    log.match("match")
    log.hub_decides(request, "allow")
    found = audit(log)
    assert (Severity.RULE, Code.DECISION_DIFFERS, 10) in found
    assert (Severity.RULE, Code.PIN_UNFOUNDED, 8) in found


def test_a_suspended_asker_is_refused_again(audit: Audit) -> None:
    log = council()
    log.admit(ANNE, "childrens_social_care", "suspended")
    log.hub_decides(log.ask(), "allow")
    assert audit(log) == rules((Code.BAD_SIGNATURE, 10), (Code.DECISION_DIFFERS, 11))


@pytest.mark.parametrize(
    "name",
    ["charter", "requester_membership", "holder_membership", "round", "requester_publication"],
)
def test_the_hub_pins_exactly_the_facts_that_the_log_held(audit: Audit, name: str) -> None:
    log = council()
    log.hub_decides(log.ask(), **{name: "9" * 64})
    assert audit(log) == rules((Code.FACTS_DIFFER, 10))


def test_an_older_publication_is_not_the_fact(audit: Audit) -> None:
    log = council()
    old = log.ids["publication B"]
    log.publish(BERT, [berts_row(2)])
    log.hub_decides(log.ask(), holder_publication=old)
    assert audit(log) == rules((Code.FACTS_DIFFER, 11))


def test_a_request_pins_earlier_statements_of_the_right_kind(write: Write) -> None:
    log = council()
    log.ids["round"], kept = log.ids["publication A"], log.ids["round"]
    request = log.ask()
    log.ids["round"] = kept
    log.hub_decides(request)
    case = Case(write(log))
    (finding,) = open_case(case, verify_case(case)).findings
    assert (finding.code, finding.index) == (Code.PIN_UNFOUNDED, 9)
    assert finding.detail.endswith("round")


def test_a_request_that_the_hub_never_decided(audit: Audit) -> None:
    log = council()
    log.ask()
    log.pad(1)
    assert audit(log) == rules((Code.REQUEST_UNDECIDED, 9))


def test_a_request_id_is_used_once(audit: Audit) -> None:
    log = council()
    log.hub_decides(log.ask())
    log.ask()
    assert audit(log) == rules((Code.REQUEST_ID_REUSED, 11))


# The chain


def test_a_hub_decision_on_nothing(audit: Audit) -> None:
    log = council()
    request = log.ask()
    log.entries.pop()
    log.hub_decides(request)
    assert audit(log) == rules((Code.CHAIN_BROKEN, 9))


def test_a_second_hub_decision(audit: Audit) -> None:
    log = council()
    request = log.ask()
    log.hub_decides(request)
    log.hub_decides(request)
    assert audit(log) == rules((Code.CHAIN_BROKEN, 11))


def test_a_holder_that_allows_where_the_hub_refused(audit: Audit) -> None:
    log = council()
    log.match("ended")
    hub = log.hub_decides(log.ask(), "refuse", "not_available")
    log.holder_decides(hub, "allow")
    assert audit(log) == rules((Code.HOLDER_TOO_PERMISSIVE, 12))


def test_a_holder_that_refuses_where_the_hub_allowed_is_stricter_and_fine(audit: Audit) -> None:
    log = council()
    log.holder_decides(log.hub_decides(log.ask()), "refuse")
    assert audit(log) == []


def test_a_referred_request_is_decided_by_a_person(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask(), "refer")
    log.holder_decides(hub, decided_by=None)
    assert audit(log) == rules((Code.DECISION_DIFFERS, 10), (Code.PERSON_NEEDED, 11))


def test_a_refer_by_the_holder_may_be_followed_by_its_answer(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.holder_decides(hub, "refer", decided_by=None)
    log.holder_decides(hub, "allow")
    assert audit(log) == []


def test_a_decision_is_final(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.holder_decides(hub, "refuse")
    log.holder_decides(hub, "allow")
    assert audit(log) == rules((Code.CHAIN_BROKEN, 12))


def test_only_the_holder_decides(audit: Audit) -> None:
    log = council()
    log.holder_decides(log.hub_decides(log.ask()), party=ANNE)
    assert audit(log) == rules((Code.WRONG_SENDER, 11))


def test_a_decision_goes_to_the_asker(audit: Audit) -> None:
    log = council()
    decision = log.holder_decides(log.hub_decides(log.ask()))
    log.entries.pop()
    log.say(BERT, decision.body, AUDITOR.id)
    assert audit(log) == rules((Code.WRONG_RECIPIENT, 11))


def test_a_decision_after_the_request_expired(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.now += 3 * DAY
    log.holder_decides(hub)
    assert audit(log) == rules((Code.AFTER_EXPIRY, 11))


def test_a_decision_after_the_link_ended(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.match("ended")
    log.holder_decides(hub)
    assert audit(log) == rules((Code.NOT_IN_FORCE, 12))


def test_a_release_after_the_permission_ran_out(audit: Audit) -> None:
    log = council()
    decision = log.holder_decides(log.hub_decides(log.ask()))
    log.publish(BERT, [berts_row(2, until=log.now - 301)])
    log.release(decision)
    assert audit(log) == rules((Code.NOT_IN_FORCE, 13))


def test_a_release_without_a_decision(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    decision = log.holder_decides(hub)
    log.entries.pop()
    log.release(decision)
    assert audit(log) == rules((Code.RELEASE_WITHOUT_DECISION, 11))


def test_a_release_on_a_refusal(audit: Audit) -> None:
    log = council()
    log.release(log.holder_decides(log.hub_decides(log.ask()), "refuse"))
    assert audit(log) == rules((Code.RELEASE_WITHOUT_DECISION, 12))


@pytest.mark.parametrize("tree_size", [11, 13, 4000])
def test_a_release_is_made_on_a_tree_that_holds_the_decision(audit: Audit, tree_size: int) -> None:
    log = council()
    decision = log.holder_decides(log.hub_decides(log.ask()))
    log.release(decision, tree_size=tree_size)
    assert audit(log) == rules((Code.RELEASE_TREE_SIZE, 12))


def test_a_card_is_sealed_to_the_askers_key_in_the_log(audit: Audit) -> None:
    log = council()
    decision = log.holder_decides(log.hub_decides(log.ask()))
    log.release(decision, seal_key=BERT.keys().seal)
    assert audit(log) == rules((Code.SEAL_KEY, 12))


def test_a_second_release_and_a_second_receipt(audit: Audit) -> None:
    log = council()
    decision = log.holder_decides(log.hub_decides(log.ask()))
    log.release(decision)
    release = log.release(decision)
    log.receipt(release)
    log.receipt(release)
    assert audit(log) == rules((Code.CHAIN_BROKEN, 13), (Code.CHAIN_BROKEN, 15))


def test_a_receipt_without_its_release(audit: Audit) -> None:
    log = council()
    release = log.release(log.holder_decides(log.hub_decides(log.ask())))
    log.entries.pop()
    log.receipt(release)
    assert audit(log) == rules((Code.RECEIPT_WITHOUT_RELEASE, 12))


def test_a_receipt_for_another_card(audit: Audit) -> None:
    log = council()
    release = log.release(log.holder_decides(log.hub_decides(log.ask())))
    log.receipt(release, sealed_hash="8" * 64)
    assert audit(log) == rules((Code.RECEIPT_WITHOUT_RELEASE, 13))


# Publications and rounds


def test_a_changed_publication_chunk_is_broken(write: Write) -> None:
    log = council()
    folder = write(log)
    path = folder / "payloads" / "evidence" / "7.0"
    path.write_bytes(path.read_bytes().replace(b"Health visiting", b"Health visitinG"))
    found = opened(folder)
    assert found[0] == (Severity.BROKEN, Code.CHUNK_DIFFERS, 7)
    assert {severity for severity, _, _ in found[1:]} <= {Severity.MISSING}


def test_a_missing_chunk_is_missing(write: Write) -> None:
    folder = write(council())
    (folder / "payloads" / "evidence" / "7.0").unlink()
    assert opened(folder)[0] == (Severity.MISSING, Code.EVIDENCE_MISSING, 7)


def test_publications_are_numbered_without_gaps(audit: Audit) -> None:
    log = founded()
    log.publish(ANNE, [annes_row()])
    log.publish(ANNE, [annes_row(2)], sequence=3)
    assert audit(log) == rules((Code.PUBLICATION_SEQUENCE, 7))


def test_revisions_of_a_stub_rise_by_one(audit: Audit) -> None:
    log = founded()
    log.publish(ANNE, [annes_row()])
    log.publish(ANNE, [annes_row(3)])
    log.publish(ANNE, [annes_row(3)])
    assert audit(log) == rules((Code.STUB_REVISION, 7), (Code.STUB_REVISION, 8))


def test_a_stub_never_changes_its_owner(audit: Audit) -> None:
    log = council()
    log.publish(BERT, [row(ANNES_STUB, revision=2)])
    log.hub_decides(log.ask(), holder_publication=parse_id(log, 7))
    assert audit(log) == rules((Code.STUB_OWNER, 9))


def test_a_row_outside_the_charter_is_found(audit: Audit) -> None:
    log = founded()
    item = annes_row().involvements[0].model_copy(update={"label": "Prison visiting"})
    log.publish(ANNE, [row(ANNES_STUB, item)])
    assert audit(log) == rules((Code.PUBLICATION_ROW, 6))


def test_a_round_whose_root_is_not_over_its_items(audit: Audit) -> None:
    log = council()
    log.match("ended", items_root="9" * 64)
    assert audit(log) == [(Severity.BROKEN, Code.ROUND_ROOT_DIFFERS, 9)]


def test_items_that_were_held_back_are_missing(write: Write) -> None:
    log = council()
    log.match("ended")
    folder = write(log)
    (folder / "payloads" / "evidence" / "9.0").unlink()
    assert opened(folder) == [(Severity.MISSING, Code.EVIDENCE_MISSING, 9)]


def test_a_changed_item_of_a_round_is_broken(write: Write) -> None:
    folder = write(council())
    path = folder / "payloads" / "evidence" / "8.0"
    path.write_bytes(path.read_bytes().replace(b'"match"', b'"ended"'))
    assert opened(folder) == [(Severity.BROKEN, Code.ROUND_ROOT_DIFFERS, 8)]


def test_rounds_are_numbered_and_counted(audit: Audit) -> None:
    log = council()
    log.match(number=3)
    log.match(count=0)
    log.match("ended", count=0)
    assert audit(log) == rules((Code.ROUND_NUMBER, 9), (Code.ROUND_COUNT, 11))


def test_an_item_is_about_stubs_as_last_published(audit: Audit) -> None:
    log = council()
    log.publish(ANNE, [annes_row(2)])
    log.match("match", publication_a=parse_id(log, 6))
    assert audit(log) == rules((Code.ROUND_ITEM, 10))


OTHER_STUB = "c1" * 16


def test_the_ends_of_a_link_never_change(audit: Audit) -> None:
    log = council()
    item = work("c2" * 16, "early_help", "Early help")
    log.publish(ANNE, [row(OTHER_STUB, item)])
    ends: dict[str, Any] = {"stub_a": OTHER_STUB, "publication_a": parse_id(log, 9)}
    log.ids["publication A"] = parse_id(log, 6)
    log.match("match", **ends)
    assert audit(log) == rules((Code.ROUND_ITEM, 10))


def test_a_link_is_between_two_agencies(audit: Audit) -> None:
    log = council()
    item = work("c2" * 16, "early_help", "Early help")
    log.publish(ANNE, [row(OTHER_STUB, item)])
    second: dict[str, Any] = {
        "stub_b": OTHER_STUB,
        "agency_b": ANNE.id,
        "publication_b": parse_id(log, 9),
    }
    log.match("match", link_id="12" * 16, publication_a=parse_id(log, 6), **second)
    assert audit(log) == rules((Code.ROUND_ITEM, 10))


def test_a_manifest_says_how_long_its_chunks_are(audit: Audit) -> None:
    log = founded()
    log.publish(ANNE, [annes_row()], length=7)
    assert audit(log) == [(Severity.BROKEN, Code.CHUNK_DIFFERS, 6)]


def test_what_a_manifest_and_a_row_may_not_say(audit: Audit) -> None:
    log = founded()
    log.publish(ANNE, [annes_row()], count=2)
    log.publish(ANNE, [annes_row(2)], epoch=2)
    log.publish(ANNE, [annes_row(3).model_copy(update={"retired": True})])
    assert audit(log) == rules(*((Code.PUBLICATION_ROW, index) for index in (6, 7, 8)))


@pytest.mark.parametrize("parts", [0, 2])
def test_a_manifest_says_how_many_chunks_there_are(write: Write, parts: int) -> None:
    log = council()
    folder = write(log)
    entry = log.entries[7]
    other = Entry(entry.leaf, entry.salt, entry.envelope, entry.evidence * parts)
    rewrite_payload(folder, 7, payload_line(7, other))
    assert opened(folder)[0] == (Severity.MISSING, Code.EVIDENCE_MISSING, 7)


# The command


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(item) for item in arguments])
    return result.exit_code, result.output


def test_open_exits_0_when_clean(write: Write) -> None:
    code, text = run("open", write(brokered(council())))
    assert code == 0
    assert "1  decisions made again" in text


def test_open_exits_4_for_rule_findings_with_index_and_advice(write: Write) -> None:
    log = council()
    log.match("ended")
    log.hub_decides(log.ask(), "allow")
    folder = write(log)
    code, text = run("open", folder)
    assert code == 4
    assert "11  decision_differs: logged allow, decided again refuse not_available" in text
    assert "Take the entry to the council." in text
    code, text = run("open", folder, "--json")
    report = json.loads(text)
    assert (code, report["exit_code"]) == (4, 4)
    assert [(item["code"], item["index"]) for item in report["findings"]] == [
        ("decision_differs", 11)
    ]


def test_open_exits_3_without_payloads_and_1_when_broken(write: Write) -> None:
    folder = write(council())
    (folder / "payloads" / "payloads.jsonl").unlink()
    assert run("open", folder)[0] == 3
    (folder / "genesis").write_text("0" * 64)
    assert run("open", folder)[0] == 1


def test_a_case_without_its_charter_is_incomplete(write: Write) -> None:
    log = brokered(council())
    folder = write(log)
    (folder / "charters" / f"{log.charter.document_hash}.json").unlink()
    found = opened(folder)
    assert (Severity.MISSING, Code.CHARTER_MISSING, 0) in found
    assert {severity for severity, _, _ in found} == {Severity.MISSING}


def test_after_a_public_leaf_that_lies_nothing_is_judged(audit: Audit) -> None:
    log = council()
    stranger = founded()
    stranger.admit(Party("C"), "housing")
    body = parse_statement(stranger.entries[-1].envelope).body
    log.say(ANNE, body, ANNE.id)
    log.hub_decides(log.ask(), "refuse", "not_available")  # wrong, and not judged
    assert audit(log) == [
        (Severity.BROKEN, Code.PUBLIC_LEAF, 9),
        (Severity.MISSING, Code.DIRECTORY_LOST, 9),
    ]


@pytest.mark.parametrize("accepts_later", [True, False])
def test_a_lost_bundle_accuses_nobody(tmp_path: Path, *, accepts_later: bool) -> None:
    log = founded()
    carl = Party("C")
    log.pad(250)
    log.admit(carl, "housing")  # entry 256, in the second bundle
    if not accepts_later:
        log.accept(carl)
    log.pad(300)
    if accepts_later:
        log.accept(carl)  # in the third bundle, and so is what follows
    log.publish(carl, [annes_row()])
    folder = log.write(tmp_path / "case")
    assert opened(folder) == []
    (folder / "log" / "tile/entries/001").unlink()
    found = opened(folder)
    assert (Severity.MISSING, Code.BUNDLE_MISSING, 256) in found
    assert {severity for severity, _, _ in found} == {Severity.MISSING}
    assert exit_code(verify_case(Case(folder)).findings) == 3


def test_a_checkpoint_under_a_charter_that_was_lost_is_not_called_forged(tmp_path: Path) -> None:
    log = founded()
    log.pad(250)
    witness = make_charter().witnesses[0].model_dump()
    next_hub = {"version": 2, "predecessor": log.charter.document_hash}
    other_log = {"origin": "hub.example/log", "vkey": log_key_of(b"\x77")}
    log.put_charter(make_charter(**next_hub, log=other_log, witnesses=[witness], quorum=1))
    log.pad(300)
    folder = log.write(tmp_path / "case")
    assert (Severity.BROKEN, Code.CHECKPOINT_SIGNATURE, None) in opened(folder)
    note = sign_checkpoint(parse_checkpoint(log.checkpoint())[1], other_signer(b"\x77"))
    line = cosign_checkpoint(parse_checkpoint(log.checkpoint())[1], WITNESSES[0], NOON)
    (folder / "log" / "checkpoint").write_bytes(note.with_signatures([line]).encode())
    assert opened(folder) == []
    (folder / "log" / "tile/entries/001").unlink()
    found = verify_case(Case(folder)).findings
    assert [(item.severity, item.code) for item in found] == [
        (Severity.MISSING, Code.BUNDLE_MISSING),
        (Severity.MISSING, Code.CHECKPOINT_SIGNATURE),
    ]


def other_signer(byte: bytes) -> NoteSigner:
    return NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(byte * 32))


def log_key_of(byte: bytes) -> str:
    return other_signer(byte).key.text
