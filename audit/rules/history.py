"""What the log tells of requests: who asked whom, when, on which basis, and how it ended.

For reports and samples (specs/08-audit.md §6 and §8). It judges nothing: what is wrong with an
entry is for audit/rules/open.py to say. Entries that are missing or do not match their leaf are
left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.case.case import Case
from audit.verify.payloads import PayloadReader
from audit.verify.tree import logged_entries
from audit.verify.verify import Verified
from protocol.dsse import ENVELOPE_LIMIT, PUBLIC_LEAF_LIMIT
from protocol.errors import RemoteError
from protocol.fields import WireModel
from protocol.governance.directory import Directory
from protocol.log.leaf import LeafKind, parse_leaf, verify_sealed
from protocol.messages.attention import AttentionBody, InviteBody
from protocol.messages.audit import SampleCommitmentBody
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    ReceiptBody,
    RejectionBody,
    ReleaseBody,
    RequestBody,
)
from protocol.messages.clock import OverdueBody
from protocol.messages.enquiries import EnquiryBody, EnquiryDecisionBody
from protocol.messages.introductions import IntroductionDecisionBody, IntroductionRequestBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
)
from protocol.messages.statement import Statement, parse_statement

DAY = 86_400
RENEWAL = "renewal"
"""What renews a card, among the kinds of a day: the same contact details are disclosed once."""
_DECISIONS = (HubDecisionBody, IdentityDecisionBody, IntroductionDecisionBody)


@dataclass(frozen=True)
class Line:
    """One entry of a verified case and, where its payload is there and fits, its statement."""

    index: int
    entry: bytes | None
    statement: Statement[WireModel] | None
    envelope: bytes | None = None
    salt: bytes | None = None


@dataclass(frozen=True)
class Alerted:
    """Attention that was raised, or an invite: by whom, when, and nothing of to whom."""

    index: int
    kind: str
    sender: str
    at: int


@dataclass
class Asked:
    """One request, of whichever of the three kinds, and what became of it. Ids and codes only.

    `request_id` of a request to be introduced, which has none, is its statement's. `overdue_for`:
    how long it was overdue when the hub said so, in seconds; None: it never did.
    """

    index: int
    kind: str
    request_id: str
    asked_at: int
    requester: str
    answerer: str | None
    purpose: str
    basis: str
    facts: Mapping[str, str]
    hub_outcome: str = ""
    hub_code: str | None = None
    outcome: str = ""
    code: str | None = None
    decided_by: str | None = None
    released_at: int | None = None
    received_at: int | None = None
    unwitnessed: bool = False
    details_sent: bool = False
    answered_at: int | None = None
    overdue_for: int | None = None

    @property
    def ended(self) -> str:
        """The outcome that counts: the answering agency's if there is one, else the hub's."""
        return self.outcome or self.hub_outcome or "undecided"


@dataclass(frozen=True)
class Commitment:
    """A `sample_commitment`: where it is in the log, whose it is, what it binds to."""

    index: int
    sender: str
    body: SampleCommitmentBody


@dataclass
class Enquired:
    """One enquiry about somebody who is no client: where it is in the log, whose it is, and what
    the hub decided; "" if it has not.
    """

    index: int
    agency: str
    practitioner: str
    asked_at: int
    outcome: str = ""


@dataclass
class History:
    """Filled line by line, in log order. What comes twice counts once."""

    asked: dict[str, Asked] = field(default_factory=dict)
    days: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    refusals: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    commitments: list[Commitment] = field(default_factory=list)
    enquiries: dict[str, Enquired] = field(default_factory=dict)
    alerts: list[Alerted] = field(default_factory=list)
    entries: int = 0
    unread: int = 0

    def take(self, line: Line) -> None:
        """Take in the next entry."""
        self.entries += 1
        if line.statement is None:
            self.unread += 1
            return
        statement: Statement[Any] = line.statement
        preamble, body = statement.preamble, statement.body
        kind = RENEWAL if self._renews(body) else preamble.kind
        self.days[preamble.iat // DAY][kind] += 1
        if isinstance(body, (RequestBody, IdentityRequestBody, IntroductionRequestBody)):
            self._request(line.index, statement)
        elif isinstance(body, (EnquiryBody, EnquiryDecisionBody)):
            self._enquiry(line.index, statement)
        elif isinstance(body, RejectionBody):
            self.rejections[body.code] += 1
        elif isinstance(body, (AttentionBody, InviteBody)):
            alerted = Alerted(line.index, preamble.kind, preamble.sender, preamble.iat)
            self.alerts.append(alerted)
        elif isinstance(body, SampleCommitmentBody):
            self.commitments.append(Commitment(line.index, preamble.sender, body))
        else:
            self._step(preamble.iat, body)

    def _enquiry(self, index: int, statement: Statement[Any]) -> None:
        preamble, body = statement.preamble, statement.body
        if isinstance(body, EnquiryBody):
            enquired = Enquired(index, preamble.sender, body.practitioner.id, preamble.iat)
            self.enquiries.setdefault(body.enquiry_id, enquired)
        elif enquiry := self.enquiries.get(body.enquiry_id):
            enquiry.outcome = enquiry.outcome or body.outcome

    def _renews(self, body: object) -> bool:
        """Whether a card left in the place of one before it, or that one was opened."""
        if not isinstance(body, (ReleaseBody, ReceiptBody)):
            return False
        asked = self.asked.get(body.request_id)
        if asked is None:
            return False
        before = asked.released_at if isinstance(body, ReleaseBody) else asked.received_at
        return before is not None

    def _request(self, index: int, statement: Statement[Any]) -> None:
        body, preamble = statement.body, statement.preamble
        plain = isinstance(body, RequestBody)
        named = getattr(body, "request_id", None) or getattr(body, "check_id", None)
        asked = Asked(
            index=index,
            kind=preamble.kind,
            request_id=str(named or statement.id),
            asked_at=preamble.iat,
            requester=preamble.sender,
            answerer=preamble.aud if plain else None,
            purpose=body.purpose,
            basis=body.basis,
            facts=body.facts,
        )
        self.asked.setdefault(asked.request_id, asked)

    def _step(self, iat: int, body: object) -> None:
        """What follows a request; a step of an unknown request tells nothing here."""
        name = getattr(body, "request_id", None) or getattr(body, "check_id", None)
        asked = self.asked.get(str(name or getattr(body, "request", None)))
        if asked is None:
            return
        if isinstance(body, _DECISIONS) and not asked.hub_outcome:
            asked.hub_outcome, asked.hub_code = body.outcome, body.code
            asked.answerer = _named(body) or asked.answerer
            self._refused(body.outcome, body.code)
        elif isinstance(body, (DecisionBody, IdentityAnswerBody)):
            self._decided(iat, asked, body)
        else:
            _took(iat, asked, body)

    def _decided(self, iat: int, asked: Asked, body: DecisionBody | IdentityAnswerBody) -> None:
        checked = isinstance(body, IdentityAnswerBody)
        asked.outcome = body.answer if isinstance(body, IdentityAnswerBody) else body.outcome
        asked.code, asked.decided_by = body.code, body.decided_by
        if asked.answered_at is None and asked.outcome != "refer":
            asked.answered_at = iat
        if asked.hub_outcome != "refuse":
            self._refused("refuse" if checked and body.code else asked.outcome, body.code)

    def _refused(self, outcome: str, code: str | None) -> None:
        if outcome == "refuse":
            self.refusals[code or "no_code"] += 1


def _named(body: object) -> str | None:
    """The agency that a decision of the hub names."""
    if isinstance(body, IntroductionDecisionBody):
        return body.service.agency_id if body.service else None
    return body.holder if isinstance(body, IdentityDecisionBody) else None


def _took(iat: int, asked: Asked, body: object) -> None:
    """A step beside the decisions; the first of each counts."""
    if isinstance(body, (ReleaseBody, ProvisionalBody)) and asked.released_at is None:
        asked.released_at, asked.unwitnessed = iat, isinstance(body, ProvisionalBody)
    elif isinstance(body, ReceiptBody) and asked.received_at is None:
        asked.received_at = iat
    elif isinstance(body, OverdueBody) and asked.overdue_for is None:
        asked.overdue_for = iat - body.due
    elif isinstance(body, IdentityCheckBody):
        asked.details_sent = True


def lines(case: Case, verified: Verified) -> Iterator[Line]:
    """Every entry in order, up to where it is no longer known who is who."""
    reader = PayloadReader(case, verified.size) if case.has_payloads else None
    for index, entry in logged_entries(case, verified.size, verified.tree):
        payload = reader.take(index) if reader else None
        if index == verified.lost_at:
            return
        envelope, salt = None, None
        try:
            if entry is not None:
                leaf = parse_leaf(entry)
                if leaf.kind is not LeafKind.SEALED:
                    envelope = leaf.body
                elif payload is not None:
                    verify_sealed(entry, payload.salt, payload.envelope)
                    envelope, salt = payload.envelope, payload.salt
        except RemoteError:
            envelope, salt = None, None
        yield Line(index, entry, _statement(envelope, sealed=salt is not None), envelope, salt)


def read_history(case: Case, verified: Verified) -> History:
    """The whole history of a verified case."""
    history = History()
    for line in lines(case, verified):
        history.take(line)
    return history


def party_names(directory: Directory) -> dict[str, str]:
    """Id to name of members, hub and key holders, as the log last had them."""
    names = {key: states[-1].body.name for key, states in directory.members.items()}
    for version in directory.charters:
        charter = version.charter
        names.setdefault(charter.charter_id, charter.hub.name)
        for holder in charter.token_key.holders:
            names.setdefault(holder.holder_id, holder.name)
    return names


class Names:
    """What to call a party in a report: its name, with some of its id where others share it."""

    def __init__(self, directory: Directory) -> None:
        self._names = party_names(directory)
        self._shared = {name for name, n in Counter(self._names.values()).items() if n > 1}

    def __call__(self, party_id: str | None) -> str:
        """The party's name; "nobody" for None."""
        if party_id is None:
            return "nobody"
        name = self._names.get(party_id, "unknown")
        plain = party_id in self._names and name not in self._shared
        return name if plain else f"{name} ({party_id[:6]})"


def _statement(envelope: bytes | None, *, sealed: bool) -> Statement[WireModel] | None:
    if envelope is None:
        return None
    try:
        limit = ENVELOPE_LIMIT if sealed else PUBLIC_LEAF_LIMIT
        return parse_statement(envelope, limit=limit)
    except RemoteError:
        return None
