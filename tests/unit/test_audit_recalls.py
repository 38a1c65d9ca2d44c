"""Hand-made logs of recalled cards: each that nobody was to recall, or let be kept, is named."""

from pathlib import Path
from typing import Any

import pytest

from audit.findings import FindingCode as Code
from protocol.messages.bodies import ReleaseBody
from protocol.messages.review import RecallBody, RecallDoneBody
from protocol.messages.statement import Statement
from tests.unit.audit_log import ANNE, BERT, DAY, HUB, NOON, AuditLog, Party, council
from tests.unit.test_audit_open import Audit, opened, rules
from tests.unit.test_audit_people import released

UNTIL = NOON + 90 * DAY  # when the permission of Bert's work ends


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return lambda log: opened(log.write(tmp_path / "case"))


def recalled(log: AuditLog, release: Statement[ReleaseBody], party: Party = BERT) -> Statement[Any]:
    body = RecallBody(request_id=release.body.request_id, release=release.id)
    return log.say(party, body, ANNE.id)


def test_a_recall_follows_a_release_once_and_is_its_holders(audit: Audit) -> None:
    log = council()
    release = released(log)
    done = RecallDoneBody(request_id=release.body.request_id, wrong_person=None, recall="0" * 64)
    log.say(ANNE, done, BERT.id)
    expected = [(Code.CHAIN_BROKEN, log.last())]
    said = recalled(log, release)
    recalled(log, release)
    expected.append((Code.CHAIN_BROKEN, log.last()))
    log.say(ANNE, done.model_copy(update={"recall": said.id}), BERT.id)
    log.say(ANNE, done.model_copy(update={"recall": said.id}), BERT.id)
    expected.append((Code.CHAIN_BROKEN, log.last()))
    assert audit(log) == rules(*expected)


def test_nobody_else_recalls_a_card_and_the_hub_none_of_an_active_member(audit: Audit) -> None:
    log = council()
    release = released(log)
    recalled(log, release, ANNE)
    expected = [(Code.WRONG_SENDER, log.last())]
    other = log.release(log.holder_decides(log.hub_decides(log.ask("22" * 16))))
    recalled(log, other, HUB)
    assert audit(log) == rules(*expected, (Code.RECALL_UNFOUNDED, log.last()))


def test_a_card_that_may_be_kept_for_too_long_is_found(audit: Audit) -> None:
    """Longer than its permission, which the others cannot see; one of before does not say."""
    log = council()
    for number, until in enumerate((UNTIL, UNTIL + 1, 0), 0x30):
        asked = log.hub_decides(log.ask(f"{number:02x}" * 16))
        log.release(log.holder_decides(asked), keep_until=until)
    long, over = log.last() - 4, log.last()
    assert audit(log) == rules((Code.CARD_KEPT_TOO_LONG, long), (Code.CARD_KEPT_TOO_LONG, over))
