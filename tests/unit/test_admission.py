"""Who needs an endorsement, what counts as one, and from when key holders serve a late member."""

from dataclasses import replace
from typing import Any

import pytest

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.governance.admission import (
    Came,
    Newcomer,
    admission,
    needs_endorsement,
    served_from,
)
from protocol.governance.changes import loosens
from protocol.governance.directory import Directory, apply_public_leaf
from protocol.governance.fingerprint import (
    WORDS,
    check_words,
    fingerprint,
    fingerprint_words,
    parse_words,
)
from protocol.messages.bodies import CharterAcceptBody, EndorsementBody, EnrolmentBody, MemberBody
from tests.conftest import Council, party_id

ENDS = 1_790_000_000
BEFORE, AFTER = ENDS, ENDS + 1
FOUNDER, HUBS_OWN, LATE, NEIGHBOUR = 0x30, 0x40, 0x50, 0x60
DAY = 86_400
TERMS = {"founding_until": ENDS, "cooling_days": 7, "largest_member": 20_000}


class Log:
    """A directory that grows by leaves."""

    def __init__(self, council: Council, **terms: Any) -> None:
        self.council = council
        self.directory = Directory()
        self.add(council.charter_leaf(council.charter(admission={**TERMS, **terms})))

    def add(self, leaf: bytes) -> None:
        index = len(self.directory.charters) + sum(map(len, self.directory.members.values()))
        self.directory = apply_public_leaf(
            self.directory, index + 100, leaf, self.council.documents
        )

    def join(self, party: int, clients: int = 300, domain: str | None = None) -> None:
        applied = {"control_domain": domain} if domain else {}
        value = self.council.enrolment_value(party, clients=clients, **applied)
        enrolment, _ = self.council.statement(
            EnrolmentBody.model_validate(value), party_id(party), party
        )
        del value["invitation_hash"]
        body = MemberBody(**value, status="active", enrolment=to_base64(enrolment))
        self.add(self.council.by_hub(body))

    def endorse(self, by: int, party: int, **change: Any) -> None:
        said = {
            "fingerprint": self.newcomer(party).fingerprint,
            "name": f"Agency {party}",
            "clients": 300,
            "endorsed_by": "ee" * 16,
            **change,
        }
        leaf, _ = self.council.statement(EndorsementBody(**said), party_id(by), by)
        self.add(leaf)

    def accept(self, party: int) -> None:
        charter = self.directory.charter
        body = CharterAcceptBody(version=charter.version, document_hash=charter.document_hash)
        leaf, _ = self.council.statement(body, party_id(party), party)
        self.add(leaf)

    def newcomer(self, party: int, clients: int = 300) -> Newcomer:
        value = self.council.enrolment_value(party, clients=clients)
        return Newcomer.of(EnrolmentBody.model_validate(value))


@pytest.fixture
def log(council: Council) -> Log:
    """Two founders, one of them under the hub's own control."""
    made = Log(council)
    made.join(FOUNDER)
    made.join(HUBS_OWN, domain=made.directory.charter.hub.control_domain)
    made.join(LATE)
    return made


def came(*late: int) -> Came:
    """These have joined late, the others in time."""
    parties = {party_id(party) for party in late}
    return lambda party: AFTER if party in parties else BEFORE


def changed(log: Log, admission: dict[str, Any] | None) -> Log:
    """The same log with a later charter of the hub."""
    held, council = log.directory.charter, log.council
    value = {**council.charter_value, "admission": admission}
    value |= {"version": held.version + 1, "predecessor": held.document_hash}
    if admission is None:
        del value["admission"]
    council.charter_value = value
    log.add(council.charter_leaf(council.charter()))
    return log


def needs(log: Log, joined_at: int = AFTER, clients: int = 300) -> bool:
    return needs_endorsement(log.directory, log.newcomer(LATE, clients), joined_at)


def test_founders_need_none_and_late_ones_do(log: Log) -> None:
    assert (needs(log, BEFORE), needs(log, AFTER)) == (False, True)


def test_who_is_large_needs_one_whenever_it_comes(log: Log) -> None:
    assert (needs(log, BEFORE, 20_000), needs(log, BEFORE, 20_001)) == (False, True)


def test_one_member_of_another_organisation_is_enough(log: Log) -> None:
    log.endorse(FOUNDER, LATE)
    assert not needs(log)


@pytest.mark.parametrize(
    "change",
    [{"name": "Another name"}, {"fingerprint": "00" * 8}, {"clients": 299}],
    ids=["another name", "other words", "fewer clients"],
)
def test_it_answers_for_what_it_says_and_for_nothing_else(log: Log, change: dict[str, Any]) -> None:
    log.endorse(FOUNDER, LATE, **change)
    assert needs(log)


def test_the_hubs_own_organisation_and_the_newcomers_own_do_not_count(log: Log) -> None:
    log.endorse(HUBS_OWN, LATE)
    log.join(NEIGHBOUR, domain=f"Domain {LATE}")
    log.endorse(NEIGHBOUR, LATE)
    assert needs(log)


def test_a_later_charter_ends_the_founding_days_sooner_and_never_later(log: Log) -> None:
    council = log.council

    def changed(until: int) -> Log:
        held = log.directory.charter
        after = council.charter(
            admission={**TERMS, "founding_until": until},
            version=held.version + 1,
            predecessor=held.document_hash,
        )
        later = Log(council)
        later.directory = log.directory
        later.add(council.charter_leaf(after))
        return later

    assert needs(changed(ENDS + 90 * DAY), ENDS + 60)
    assert needs(changed(ENDS - 60), ENDS - 30)
    assert not needs(changed(ENDS - 60), ENDS - 90)


def test_members_of_a_hubs_own_making_cannot_answer_for_each_other(log: Log) -> None:
    """A hub writes them into the log long after the founding days. Nobody else said a word."""
    log.join(NEIGHBOUR)
    log.endorse(LATE, NEIGHBOUR)
    log.endorse(NEIGHBOUR, LATE)
    both = came(LATE, NEIGHBOUR)
    served = [served_from(log.directory, party_id(party), both) for party in (LATE, NEIGHBOUR)]
    assert served == [None, None]
    log.endorse(FOUNDER, LATE)
    served = [served_from(log.directory, party_id(party), both) for party in (LATE, NEIGHBOUR)]
    assert served == [AFTER + 7 * DAY] * 2, (
        "somebody has answered for one, and that one for another"
    )


def test_a_later_charter_that_says_nothing_of_admission_lets_nobody_in(log: Log) -> None:
    assert needs(changed(log, None), AFTER + 365 * DAY)


def test_terms_are_loosened_for_good_only_once_the_members_accept_it(log: Log) -> None:
    """Otherwise a hub would write itself a charter by which nobody waits."""
    log.accept(FOUNDER)
    changed(log, {**TERMS, "cooling_days": 0, "largest_member": 10**6})
    terms = admission(log.directory)
    assert terms is not None
    assert (terms.cooling_days, terms.largest_member) == (7, 20_000)
    log.accept(HUBS_OWN)
    assert admission(log.directory) == terms, "what the hub's own organisation accepts says nothing"
    log.accept(FOUNDER)
    terms = admission(log.directory)
    assert terms is not None
    assert (terms.cooling_days, terms.largest_member) == (0, 10**6)


def test_key_holders_serve_a_late_member_once_it_is_endorsed_and_has_waited(log: Log) -> None:
    late = party_id(LATE)
    assert served_from(log.directory, late, lambda _: BEFORE) == BEFORE
    assert served_from(log.directory, late, came(LATE)) is None
    log.endorse(FOUNDER, LATE)
    assert served_from(log.directory, late, came(LATE)) == AFTER + 7 * DAY


def test_a_member_that_grows_large_needs_one_for_its_size(log: Log) -> None:
    late = party_id(LATE)
    (member,) = log.directory.members[late]
    grown = replace(member, body=member.body.model_copy(update={"clients": 90_000}))
    members = {**log.directory.members, late: (member, grown)}
    log.directory = replace(log.directory, members=members)
    assert served_from(log.directory, late, lambda _: BEFORE) is None
    log.endorse(FOUNDER, LATE, clients=90_000)
    assert served_from(log.directory, late, lambda _: BEFORE) == BEFORE


def test_the_first_charter_keeps_the_founding_days_open_for_sixty_days_at_most(
    council: Council,
) -> None:
    Log(council, founding_until=ENDS + 60 * DAY)
    with pytest.raises(RemoteError, match="over 60 days on") as caught:
        Log(council, founding_until=ENDS + 60 * DAY + 1)
    assert caught.value.code is ErrorCode.BAD_TREE


def test_a_charter_without_terms_asks_for_nothing(council: Council) -> None:
    directory = apply_public_leaf(
        Directory(), 0, council.charter_leaf(council.charter()), council.documents
    )
    newcomer = Newcomer("00" * 8, "Agency", "Domain", 10**6)
    assert not needs_endorsement(directory, newcomer, 2**40)


def test_words_that_were_heard_are_the_fingerprint_again(log: Log) -> None:
    keys = log.directory.members[party_id(LATE)][0].body.keys
    words = fingerprint_words(party_id(LATE), keys)
    assert parse_words(words.upper().replace(" ", ", ")) == fingerprint(party_id(LATE), keys)
    with pytest.raises(LocalError, match="all 8 words"):
        parse_words(words.rpartition(" ")[0])
    with pytest.raises(LocalError, match="word 8 is not one of the list"):
        parse_words(words.rpartition(" ")[0] + " zebra")


@pytest.mark.parametrize("newer_first", [False, True])
def test_a_charter_from_before_admission_is_compared_with_one_that_has_it(
    council: Council, newer_first: bool
) -> None:
    """Each node and the hub ask this before they do anything under a new charter."""
    before = council.charter()
    terms = {"founding_until": 1_790_000_000, "cooling_days": 7, "largest_member": 20_000}
    after = council.charter(version=2, predecessor=before.document_hash, admission=terms)
    found = loosens(after, before) if newer_first else loosens(before, after)
    assert found == [], "what is not stated stays as it was"


@pytest.mark.parametrize(
    "stricter", [{"cooling_days": 60}, {"largest_member": 200}, {"founding_until": ENDS - DAY}]
)
def test_a_stricter_charter_does_not_cut_off_whom_key_holders_served_before(
    council: Council, stricter: dict[str, int]
) -> None:
    """What tightens binds at once; who came before had done what the charter said then."""
    log = Log(council)
    joined = ENDS - 60 if "cooling_days" not in stricter else AFTER

    def when(party: str) -> int:
        return joined if party == party_id(LATE) else BEFORE

    log.join(FOUNDER)
    log.join(LATE)
    if joined == AFTER:
        log.endorse(FOUNDER, LATE)
    now = ENDS + 20 * DAY
    served = served_from(log.directory, party_id(LATE), when)
    assert served is not None
    assert served < now
    changed(log, {**TERMS, **stricter})
    served = served_from(log.directory, party_id(LATE), when)
    assert served is not None
    assert served < now


def test_words_are_compared_as_they_are_heard(log: Log) -> None:
    keys = log.directory.members[party_id(LATE)][0].body.keys
    own = fingerprint_words(party_id(LATE), keys).split()
    said = f"{own[0].upper()}, {own[1].title()} - {' '.join(own[2:7])}. {own[7]}!\n"
    check_words(said, party_id(LATE), keys)
    slip = [*own[:2], own[2] + "x", *own[3:]]
    with pytest.raises(LocalError, match=f"word 3 is not one of the list: did they say .*{own[2]}"):
        check_words(" ".join(slip), party_id(LATE), keys)
    other = next(word for word in WORDS if word not in own)
    with pytest.raises(LocalError, match="word 5 differs: have all 8 read again") as caught:
        check_words(" ".join([*own[:4], other, *own[5:]]), party_id(LATE), keys)
    assert caught.value.code is ErrorCode.CONFLICT
    assert "do not approve" in caught.value.detail
    with pytest.raises(LocalError, match="words 1, 2 differ"):
        check_words(" ".join([other, other, *own[2:]]), party_id(LATE), keys)
    with pytest.raises(LocalError, match="the words differ"):
        check_words(" ".join([other] * 8), party_id(LATE), keys)
    with pytest.raises(LocalError, match="there are 7"):
        check_words(" ".join(own[:7]), party_id(LATE), keys)
