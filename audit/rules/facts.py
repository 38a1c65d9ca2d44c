"""What the log says so far: the facts that the hub had when it decided (specs/08-audit.md §3.4).

Filled entry by entry, in order, from publications and rounds whose evidence fits its commitment;
asked before the entry in hand is taken in. The hub's stored outcome is no fact and never comes in.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import cast

from protocol import canonical
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.messages.bodies import LinkItem, PublishedInvolvement, RequestBody, StubRow
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.review import IdentityRequestBody
from protocol.messages.statement import MAX_SKEW_SECONDS, Preamble, Statement
from protocol.requests.decide import HubFacts, IdentityFacts, LinkFact
from protocol.requests.spans import seen_until

Unnamed = Statement[IdentityRequestBody] | Statement[IntroductionRequestBody]
"""What is asked of the hub about whoever is at the other end."""

DAY = 86_400
_NOTHING = canonical.encode([])


@dataclass(frozen=True, slots=True)
class Stub:
    """A stub as last published. Involvements stay encoded: there may be a million of these."""

    agency: str
    revision: int
    publication: str
    encoded: bytes

    def involvements(self) -> tuple[PublishedInvolvement, ...]:
        """The involvements that the stub publishes."""
        value = cast("list[object]", canonical.parse(self.encoded, limit=len(self.encoded)))
        return tuple(map(PublishedInvolvement.model_validate, value))


@dataclass(frozen=True, slots=True)
class Link:
    """A link's latest item and the round that logged it."""

    state: str
    ends: tuple[tuple[str, str], tuple[str, str]]
    round_id: str


@dataclass(frozen=True, slots=True)
class Said:
    """One side's last answer about a link, and both ends' publications when it was given."""

    answer: str
    publications: tuple[str, ...]


@dataclass
class LoggedFacts:
    """The state of the federation just before the entry in hand.

    Once something was `erased`, numbers that count up may have gaps.
    """

    stubs: dict[str, Stub] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    rounds: int = 0
    publications: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, str] = field(default_factory=dict)
    erased: bool = False
    _requests: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    _checks: defaultdict[tuple[str, str], Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    _enquiries: dict[tuple[str, str], int] = field(default_factory=dict)
    _said: defaultdict[str, dict[str, Said]] = field(default_factory=lambda: defaultdict(dict))

    def put_row(self, row: StubRow, agency: str, publication: str) -> None:
        """Take in a published row, in place of what the stub said before."""
        items = [item.model_dump(mode="json") for item in row.involvements]
        encoded = canonical.encode(items) if items else _NOTHING
        self.stubs[row.stub_id] = Stub(agency, row.revision, publication, encoded)

    def put_item(self, item: LinkItem, round_id: str) -> None:
        """Take in an item of a round."""
        ends = ((item.agency_a, item.stub_a), (item.agency_b, item.stub_b))
        self.links[item.link_id] = Link(item.state, ends, round_id)

    def say(self, link_id: str, agency: str, answer: str) -> None:
        """Take in what one side says of a link."""
        self._said[link_id][agency] = Said(answer, self._publications(link_id))

    def allow_enquiry(self, agency: str, stub_id: str, until: int) -> None:
        """An agency may publish an enquiry in a stub, until a time."""
        self._enquiries[agency, stub_id] = max(until, self.enquired_until(agency, stub_id) or 0)

    def enquired_until(self, agency: str, stub_id: str) -> int | None:
        """Until when an agency may publish an enquiry in a stub; None: it may not."""
        return self._enquiries.get((agency, stub_id))

    def close(self, link_id: str) -> None:
        """A link ends at once: both sides count as saying that it is the wrong person."""
        link = self.links.get(link_id)
        if link is None:
            return
        self.links[link_id] = replace(link, state="ended")
        for agency, _ in link.ends:
            self.say(link_id, agency, "not_same")

    def agreed(self, link_id: str) -> str | None:
        """What both sides say of a link, if they agree and neither end was published since."""
        said = self._said.get(link_id, {}).values()
        answers = {item.answer for item in said}
        now = self._publications(link_id)
        standing = len(said) == 2 and all(item.publications == now for item in said)
        return answers.pop() if standing and len(answers) == 1 else None

    def count_check(self, preamble: Preamble) -> None:
        """Count an identity request, or one to be introduced, against its sender's quota."""
        self._checks[preamble.sender, preamble.kind][preamble.iat // DAY] += 1

    def identity_facts(
        self, directory: Directory, index: int, statement: Unnamed, link_id: str
    ) -> tuple[IdentityFacts, DecisionFacts, str | None]:
        """What `decide_identity` and `decide_introduction` are to look at, the ids of it all, and
        the agency across.
        """
        body, preamble = statement.body, statement.preamble
        link = self.links.get(link_id)
        fact = LinkFact(link.state, link.ends) if link else None
        end = fact.other_end(preamble.sender, body.stub_id) if fact else None
        own, other = self._own((preamble.sender, body.stub_id)), self._own(end)
        requester = directory.member(preamble.sender, index)
        answerer = directory.member(end[0], index) if end else None
        days = self._checks.get((preamble.sender, preamble.kind), Counter())
        today = sum(count for day, count in days.items() if day >= preamble.iat // DAY)
        said = self._said.get(link_id, {}).values()
        facts = IdentityFacts(
            requester_id=preamble.sender,
            requester=requester.body if requester else None,
            holder=answerer.body if answerer else None,
            link=fact,
            doubted=any(item.answer == "not_same" for item in said),
            involvements=other.involvements() if other else (),
            own_involvements=own.involvements() if own else (),
            checks_today=today,
        )
        pinned = DecisionFacts(
            charter=directory.charter_at(index).statement_id,
            requester_membership=requester.statement_id if requester else None,
            holder_membership=answerer.statement_id if answerer else None,
            round=link.round_id if link and end else None,
            requester_publication=own.publication if own else None,
            holder_publication=other.publication if other else None,
        )
        return facts, pinned, end[0] if end else None

    def involvements_of(self, agency: str, stub_id: str) -> tuple[PublishedInvolvement, ...]:
        """What an agency publishes of a stub; nothing if it is not that agency's."""
        stub = self._own((agency, stub_id))
        return stub.involvements() if stub else ()

    def _own(self, end: tuple[str, str] | None) -> Stub | None:
        stub = self.stubs.get(end[1]) if end else None
        return stub if stub is not None and end is not None and stub.agency == end[0] else None

    def _publications(self, link_id: str) -> tuple[str, ...]:
        ends = self.links[link_id].ends if link_id in self.links else ()
        stubs = (self.stubs.get(stub_id) for _, stub_id in ends)
        return tuple(stub.publication for stub in stubs if stub is not None)

    def count_request(self, sender: str, iat: int) -> None:
        """Count a request against its sender's quota."""
        self._requests[sender][iat // DAY] += 1

    def requests_since_midnight(self, sender: str, iat: int) -> int:
        """Requests of a sender with an iat from midnight UTC of this iat on."""
        days = self._requests.get(sender, Counter())
        return sum(count for day, count in days.items() if day >= iat // DAY)

    def hub_facts(
        self, directory: Directory, index: int, statement: Statement[RequestBody]
    ) -> tuple[HubFacts, DecisionFacts]:
        """What `decide_hub` is to look at for the request at `index`, and the ids of it all."""
        body, preamble = statement.body, statement.preamble
        link = self.links.get(body.link_id)
        own = self.stubs.get(body.stub_id)
        own = own if own is not None and own.agency == preamble.sender else None
        fact = LinkFact(link.state, link.ends) if link else None
        other_end = fact.other_end(preamble.sender, body.stub_id) if fact else None
        other = self.stubs.get(other_end[1]) if other_end else None
        asked = other.involvements() if other else ()
        requester = directory.member(preamble.sender, index)
        answerer = directory.member(preamble.aud, index)
        facts = HubFacts(
            requester_id=preamble.sender,
            holder_id=preamble.aud,
            requester=requester.body if requester else None,
            holder=answerer.body if answerer else None,
            link=fact,
            involvement=next((item for item in asked if item.id == body.involvement_id), None),
            own_involvements=own.involvements() if own else (),
            requests_today=self.requests_since_midnight(preamble.sender, preamble.iat),
        )
        pinned = DecisionFacts(
            charter=directory.charter_at(index).statement_id,
            requester_membership=requester.statement_id if requester else None,
            holder_membership=answerer.statement_id if answerer else None,
            round=link.round_id if link and other_end else None,
            requester_publication=own.publication if own else None,
            holder_publication=other.publication if other else None,
        )
        return facts, pinned

    def in_force_until(self, charter: Charter, place: tuple[str, str, str], iat: int) -> int | None:
        """Until when link and permission hold at a place (link, answering agency, involvement), of
        past work as long as it is seen; None if they do not. The hub's clock may be five minutes
        from `iat`.
        """
        link_id, answerer, involvement_id = place
        link = self.links.get(link_id)
        if link is None or link.state != "match":
            return None
        stubs = [self.stubs.get(stub_id) for _, stub_id in link.ends]
        ends = [
            seen_until(charter, item)
            for stub in stubs
            if stub is not None and stub.agency == answerer
            for item in stub.involvements()
            if item.id == involvement_id
        ]
        return max((end for end in ends if end > iat - MAX_SKEW_SECONDS), default=None)
