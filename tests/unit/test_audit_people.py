"""Hand-made logs of what people said: each thing out of order is named by code and entry."""

from pathlib import Path
from typing import Any

import pytest

from audit.findings import FindingCode as Code
from protocol.messages.bodies import ReleaseBody
from protocol.messages.parts import DecisionFacts, LinkProof, RequestPractitioner
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityPins,
    IdentityRequestBody,
    RecallDoneBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import Statement
from tests.unit.audit_log import (
    ANNE,
    ANNES_STUB,
    BERT,
    BERTS_STUB,
    CHARTER_ID,
    DAY,
    HUB,
    LINK,
    AuditLog,
    Party,
    annes_row,
    council,
)
from tests.unit.test_audit_open import Audit, opened, rules

CHECK = "61" * 16
PERSON = "41" * 16


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return lambda log: opened(log.write(tmp_path / "case"))


def verdict(log: AuditLog, party: Party, answer: str, **changes: Any) -> int:
    said = {
        "link_id": LINK,
        "stub_id": ANNES_STUB if party is ANNE else BERTS_STUB,
        "question": None,
        "round": log.ids["round"],
        "publication": log.ids[f"publication {party.letter}"],
        "answer": answer,
        "rests_on": "records",
        "decided_by": PERSON,
    }
    log.say(party, VerdictBody(**{**said, **changes}), CHARTER_ID)
    return log.last()


def released(log: AuditLog) -> Statement[ReleaseBody]:
    return log.release(log.holder_decides(log.hub_decides(log.ask())))


def wrong(log: AuditLog, release: Statement[ReleaseBody], party: Party = ANNE) -> Statement[Any]:
    body = WrongPersonBody(
        request_id=release.body.request_id, release=release.id, decided_by=PERSON
    )
    return log.say(party, body, (BERT if party is ANNE else ANNE).id)


def asks_to_compare(log: AuditLog, **changes: Any) -> Statement[IdentityRequestBody]:
    said: dict[str, Any] = {
        "check_id": CHECK,
        "link_id": LINK,
        "stub_id": ANNES_STUB,
        "practitioner": RequestPractitioner(id="31" * 16, role="social_worker"),
        "purpose": "safeguarding_child",
        "basis": "UK-CA89-S17",
        "facts": {"views": "sought", "proportionality": "0" * 64},
        "needed_by": log.now + DAY,
        "expires": log.now + 2 * DAY,
        "pins": IdentityPins(
            round=log.ids["round"],
            publication=log.ids["publication A"],
            requester_membership=log.ids["member A"],
            charter=log.ids["charter"],
        ),
    }
    return log.say(ANNE, IdentityRequestBody(**{**said, **changes}), CHARTER_ID)


def decides(
    log: AuditLog, request: Statement[IdentityRequestBody], **changes: Any
) -> Statement[IdentityDecisionBody]:
    facts = DecisionFacts(
        charter=log.ids["charter"],
        requester_membership=log.ids["member A"],
        holder_membership=log.ids["member B"],
        round=log.ids["round"],
        requester_publication=log.ids["publication A"],
        holder_publication=log.ids["publication B"],
    )
    said: dict[str, Any] = {
        "request": request.id,
        "check_id": CHECK,
        "outcome": "allow",
        "code": None,
        "field": None,
        "holder": BERT.id,
        "evidence": None,
        "facts": facts,
    }
    return log.say(HUB, IdentityDecisionBody(**{**said, **changes}), ANNE.id)


def sends(
    log: AuditLog, decision: Statement[IdentityDecisionBody], **changes: Any
) -> Statement[IdentityCheckBody]:
    said: dict[str, Any] = {
        "check_id": CHECK,
        "decision": decision.id,
        "link_proof": LinkProof(match_key_id="init_sur_dob.1", epoch=1, proof="0" * 64),
        "seal_key": BERT.keys().seal,
        "sealed_hash": "7" * 64,
        "tree_size": len(log.entries),
    }
    return log.say(ANNE, IdentityCheckBody(**{**said, **changes}), BERT.id)


def answers(
    log: AuditLog, check: Statement[IdentityCheckBody], party: Party = BERT, **changes: Any
) -> int:
    said: dict[str, Any] = {
        "check_id": CHECK,
        "check": check.id,
        "answer": "same",
        "code": None,
        "decided_by": PERSON,
    }
    log.say(party, IdentityAnswerBody(**{**said, **changes}), ANNE.id)
    return log.last()


@pytest.fixture
def possible() -> AuditLog:
    log = council()
    log.match("possible")
    return log


def test_an_honest_check_is_clean(audit: Audit, possible: AuditLog) -> None:
    answers(possible, sends(possible, decides(possible, asks_to_compare(possible))))
    verdict(possible, ANNE, "same", rests_on="identity_check")
    possible.match("match")
    assert audit(possible) == []


def test_an_answer_counts_as_a_verdict(audit: Audit, possible: AuditLog) -> None:
    check = sends(possible, decides(possible, asks_to_compare(possible)))
    answers(possible, check, answer="not_same")
    verdict(possible, ANNE, "not_same")
    possible.match("match")
    assert audit(possible) == rules((Code.VERDICT_IGNORED, possible.last()))


@pytest.mark.parametrize(
    ("anne", "bert", "state", "ignored"),
    [
        ("not_same", "not_same", "match", True),
        ("not_same", "not_same", "possible", True),
        ("not_same", "not_same", "ended", False),
        ("same", "same", "possible", True),
        ("same", "same", "match", False),
        ("same", "same", "ended", False),
        ("same", "not_same", "match", False),
        ("not_same", "same", "possible", False),
    ],
)
def test_a_round_listens_to_what_both_say(
    audit: Audit, anne: str, bert: str, state: str, ignored: bool
) -> None:
    log = council()
    verdict(log, ANNE, anne)
    verdict(log, BERT, bert)
    log.match(state)
    assert audit(log) == (rules((Code.VERDICT_IGNORED, log.last())) if ignored else [])


def test_the_last_verdict_counts_and_a_new_publication_may_have_changed_all(audit: Audit) -> None:
    log = council()
    verdict(log, ANNE, "not_same")
    verdict(log, BERT, "not_same")
    verdict(log, BERT, "same")
    log.match("match")
    verdict(log, BERT, "not_same")
    log.publish(ANNE, [annes_row(2)])
    log.match("possible")
    assert audit(log) == []


def test_a_verdict_is_by_an_end_of_its_link(audit: Audit) -> None:
    log = council()
    first = verdict(log, ANNE, "same", stub_id=BERTS_STUB)
    second = verdict(log, ANNE, "same", link_id="77" * 16)
    third = verdict(log, ANNE, "same", round="0" * 64)
    assert audit(log) == rules(
        (Code.VERDICT_UNFOUNDED, first),
        (Code.VERDICT_UNFOUNDED, second),
        (Code.PIN_UNFOUNDED, third),
    )


def test_after_the_wrong_person_nothing_is_asked_decided_or_released(audit: Audit) -> None:
    log = council()
    release = released(log)
    decision = log.holder_decides(log.hub_decides(log.ask("22" * 16)))
    wrong(log, release)
    log.hub_decides(log.ask("23" * 16), "refuse", "not_available")
    log.release(decision)
    late = log.last()
    log.hub_decides(log.ask("24" * 16))
    assert audit(log) == rules((Code.NOT_IN_FORCE, late), (Code.DECISION_DIFFERS, log.last()))


def test_a_link_that_ended_so_is_not_made_again_without_a_change(audit: Audit) -> None:
    log = council()
    wrong(log, released(log), BERT)
    log.match("match")
    assert audit(log) == rules((Code.VERDICT_IGNORED, log.last()))


def test_recall_follows_wrong_person_follows_release_each_once(audit: Audit) -> None:
    log = council()
    release = released(log)
    early = RecallDoneBody(request_id=release.body.request_id, wrong_person="0" * 64)
    log.say(ANNE, early, BERT.id)
    expected = [(Code.CHAIN_BROKEN, log.last())]
    said = wrong(log, release)
    done = RecallDoneBody(request_id=release.body.request_id, wrong_person=said.id)
    log.say(BERT, done, ANNE.id)
    expected += [(Code.WRONG_SENDER, log.last()), (Code.WRONG_RECIPIENT, log.last())]
    log.say(ANNE, done, BERT.id)
    expected.append((Code.CHAIN_BROKEN, log.last()))
    wrong(log, release)
    expected.append((Code.CHAIN_BROKEN, log.last()))
    assert audit(log) == rules(*expected)


def test_a_check_of_a_match_that_nobody_doubts_is_not_for_the_hub_to_allow(audit: Audit) -> None:
    log = council()
    decides(log, asks_to_compare(log))
    found = audit(log)
    assert found == rules((Code.DECISION_DIFFERS, log.last()), (Code.FACTS_DIFFER, log.last()))


def test_details_go_where_the_decision_says_once_to_the_right_key(
    audit: Audit, possible: AuditLog
) -> None:
    log = possible
    decision = decides(log, asks_to_compare(log))
    sends(log, decision, seal_key=ANNE.keys().seal, tree_size=3)
    first = log.last()
    sends(log, decision)
    assert audit(log) == rules(
        (Code.RELEASE_TREE_SIZE, first), (Code.SEAL_KEY, first), (Code.CHAIN_BROKEN, log.last())
    )


def test_a_person_answers_and_only_at_the_agency_that_was_asked(
    audit: Audit, possible: AuditLog
) -> None:
    log = possible
    check = sends(log, decides(log, asks_to_compare(log)))
    first = answers(log, check, ANNE, decided_by=None)
    second = answers(log, check)
    assert audit(log) == rules(
        (Code.WRONG_SENDER, first), (Code.PERSON_NEEDED, first), (Code.CHAIN_BROKEN, second)
    )


def test_an_identity_request_without_a_decision_is_found(audit: Audit, possible: AuditLog) -> None:
    asks_to_compare(possible)
    place = possible.last()
    possible.pad(1)
    assert audit(possible) == rules((Code.REQUEST_UNDECIDED, place))
