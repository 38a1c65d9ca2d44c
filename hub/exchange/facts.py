"""The facts that the hub's decisions rest on, gathered from log and links as they are now.

Every fact that a decision looks at is pinned beside it by the statement that it comes from, so that
the auditor makes the same decision again.
"""

from hub.exchange.handlers import midnight_before
from hub.log.ledger import Ledger
from hub.store.links import Link, LinkEnd, Links
from hub.store.stubs import Stub, Stubs
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.directory import Directory, Member
from protocol.messages.attention import AttentionBody
from protocol.messages.bodies import RequestBody
from protocol.messages.introductions import IntroductionRequestBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.review import IdentityRequestBody
from protocol.messages.statement import Statement
from protocol.requests.decide import HubFacts, IdentityFacts, LinkFact
from protocol.requests.hints import Hint
from protocol.requests.review import Said

Unnamed = Statement[IdentityRequestBody] | Statement[IntroductionRequestBody]
"""What is asked of the hub about whoever is at the other end."""

Asks = Statement[RequestBody] | Statement[AttentionBody] | Unnamed


def check_pins(directory: Directory, statement: Asks) -> None:
    """Who asks must know the charter and its own membership as they are. Raises RemoteError."""
    pins = statement.body.pins
    requester = directory.member(statement.preamble.sender)
    if requester is None or pins.requester_membership != requester.statement_id:
        raise RemoteError(ErrorCode.CONFLICT, "pins name another membership; sync, ask again")
    if pins.charter != directory.charter_at(None).statement_id:
        raise RemoteError(ErrorCode.WRONG_CHARTER, "pins name another charter version")


def request_facts(
    ledger: Ledger, statement: Statement[RequestBody]
) -> tuple[HubFacts, DecisionFacts]:
    """What the hub's part of a request is decided by, and the same as pins."""
    body, preamble = statement.body, statement.preamble
    directory, stubs = ledger.directory, ledger.tables.stubs
    row = ledger.tables.links.link(body.link_id)
    link = link_fact(row) if row else None
    end = link.other_end(preamble.sender, body.stub_id) if link else None
    own = own_stub(stubs, (preamble.sender, body.stub_id))
    other = stubs.stub(end[1]) if end else None
    asked = other.involvements if other else ()
    requester, holder = directory.member(preamble.sender), directory.member(preamble.aud)
    today = midnight_before(preamble.iat)
    facts = HubFacts(
        requester_id=preamble.sender,
        holder_id=preamble.aud,
        requester=requester.body if requester else None,
        holder=holder.body if holder else None,
        link=link,
        involvement=next((item for item in asked if item.id == body.involvement_id), None),
        own_involvements=own.involvements if own else (),
        requests_today=ledger.tables.requests.count_since(preamble.sender, today),
    )
    return facts, _pinned(directory, (requester, holder), row if end else None, (own, other))


def identity_facts(
    ledger: Ledger, statement: Unnamed, row: Link | None
) -> tuple[IdentityFacts, DecisionFacts, str | None]:
    """What the hub's part of an identity check over a link, or of an introduction, is decided by;
    the same as pins, and who would answer.
    """
    body, preamble = statement.body, statement.preamble
    directory, stubs, tables = ledger.directory, ledger.tables.stubs, ledger.tables
    link = link_fact(row) if row else None
    end = link.other_end(preamble.sender, body.stub_id) if link else None
    own, other = own_stub(stubs, (preamble.sender, body.stub_id)), own_stub(stubs, end)
    requester = directory.member(preamble.sender)
    holder = directory.member(end[0]) if end else None
    said = tables.links.answers(row.link_id).values() if row else ()
    today = midnight_before(preamble.iat)
    facts = IdentityFacts(
        requester_id=preamble.sender,
        requester=requester.body if requester else None,
        holder=holder.body if holder else None,
        link=link,
        doubted=any(opinion.said is Said.NOT_SAME for opinion in said),
        involvements=other.involvements if other else (),
        own_involvements=own.involvements if own else (),
        checks_today=tables.log.count_entries(preamble.sender, preamble.kind, today),
    )
    pinned = _pinned(directory, (requester, holder), row if end else None, (own, other))
    return facts, pinned, end[0] if end else None


def link_fact(link: Link) -> LinkFact:
    """A link as the decisions look at it."""
    first, second = link.ends
    ends = ((first.agency, first.stub_id), (second.agency, second.stub_id))
    return LinkFact(link.state.value, ends)


def hinted_link(links: Links, agency: str, stub_id: str, hint_id: str) -> Link | None:
    """The link behind a hint that an agency has of its stub, if both sides were told of a service
    across it.
    """
    for link in links.links_of([stub_id]).get(stub_id, []):
        near, there = link.end(agency, stub_id), link.across(stub_id)
        if near is None or near.hint is None or there.hint is None:
            continue
        if near.hint.hint_id == hint_id and near.hint.says is there.hint.says is Hint.SERVICE:
            return link
    return None


def told_link(links: Links, link_id: str) -> Link | None:
    """A link that both sides have been told of; any other is as if it were not there.

    Otherwise a check carries a name to a side that must not hear of the link (04-matching §7.3).
    """
    link = links.link(link_id)
    told = link is not None and all(was_told(links, link, end) for end in link.ends)
    return link if told else None


def was_told(links: Links, link: Link, end: LinkEnd) -> bool:
    """Whether a side ever saw a link: who did not must not learn that there is one.

    Who answered was told, though the answer may have hidden it again.
    """
    return end.notice is not None or end.agency in links.answers(link.link_id)


def _pinned(
    directory: Directory,
    members: tuple[Member | None, Member | None],
    link: Link | None,
    stubs: tuple[Stub | None, Stub | None],
) -> DecisionFacts:
    (requester, holder), (own, other) = members, stubs
    return DecisionFacts(
        charter=directory.charter_at(None).statement_id,
        requester_membership=requester.statement_id if requester else None,
        holder_membership=holder.statement_id if holder else None,
        round=link.round_id if link else None,
        requester_publication=own.publication if own else None,
        holder_publication=other.publication if other else None,
    )


def own_stub(stubs: Stubs, end: tuple[str, str] | None) -> Stub | None:
    """An agency's stub, if it is that agency's."""
    stub = stubs.stub(end[1]) if end else None
    return stub if stub is not None and end is not None and stub.agency == end[0] else None
