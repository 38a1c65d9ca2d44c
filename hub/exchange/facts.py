"""The facts that the hub's decisions rest on, gathered from log and links as they are now.

Every fact that a decision looks at is pinned beside it by the statement that it comes from, so that
the auditor makes the same decision again.
"""

from hub.exchange.handlers import midnight_before
from hub.log.ledger import Ledger
from hub.store.stubs import LinkTables, Stub
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.directory import Directory, Member
from protocol.messages.bodies import RequestBody
from protocol.messages.parts import DecisionFacts
from protocol.messages.review import IdentityRequestBody
from protocol.messages.statement import Statement
from protocol.requests.decide import HubFacts, IdentityFacts, LinkFact
from protocol.requests.review import Said
from storage.engine import Row

Asks = Statement[RequestBody] | Statement[IdentityRequestBody]


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
    directory, links = ledger.directory, LinkTables(ledger.tables)
    row = links.link(body.link_id)
    link = link_fact(row) if row else None
    end = link.other_end(preamble.sender, body.stub_id) if link else None
    own = _stub(links, (preamble.sender, body.stub_id))
    other = links.stub(end[1]) if end else None
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
    ledger: Ledger, statement: Statement[IdentityRequestBody]
) -> tuple[IdentityFacts, DecisionFacts, str | None]:
    """What the hub's part of an identity check is decided by, the same as pins, and who would
    answer.
    """
    body, preamble = statement.body, statement.preamble
    directory, links = ledger.directory, LinkTables(ledger.tables)
    row = told_link(links, body.link_id)
    link = link_fact(row) if row else None
    end = link.other_end(preamble.sender, body.stub_id) if link else None
    own, other = _stub(links, (preamble.sender, body.stub_id)), _stub(links, end)
    requester = directory.member(preamble.sender)
    holder = directory.member(end[0]) if end else None
    said = links.answers(body.link_id).values()
    today = midnight_before(preamble.iat)
    facts = IdentityFacts(
        requester_id=preamble.sender,
        requester=requester.body if requester else None,
        holder=holder.body if holder else None,
        link=link,
        doubted=any(opinion.said is Said.NOT_SAME for opinion in said),
        involvements=other.involvements if other else (),
        own_involvements=own.involvements if own else (),
        checks_today=ledger.tables.checks.count_since(preamble.sender, today),
    )
    pinned = _pinned(directory, (requester, holder), row if end else None, (own, other))
    return facts, pinned, end[0] if end else None


def link_fact(row: Row) -> LinkFact:
    """A link's row as the decisions look at it."""
    ends = ((row["agency_a"], row["stub_a"]), (row["agency_b"], row["stub_b"]))
    return LinkFact(row["state"], ends)


def told_link(links: LinkTables, link_id: str) -> Row | None:
    """A link that both sides have been told of; any other is as if it were not there.

    Otherwise a check carries a name to a side that must not hear of the link (04-matching §7.3).
    """
    link = links.link(link_id)
    return link if link is not None and all(was_told(links, link, side) for side in "ab") else None


def was_told(links: LinkTables, link: Row, side: str) -> bool:
    """Whether a side ever saw a link: who did not must not learn that there is one.

    Who answered was told, though the answer may have hidden it again.
    """
    if link[f"notice_{side}"] is not None:
        return True
    return link[f"agency_{side}"] in links.answers(link["link_id"])


def side_of(link: Row | None, agency: str, stub_id: str) -> str | None:
    """Which side (`a` or `b`) of a link an agency's stub is, or None."""
    for side in ("a", "b"):
        if link and (link[f"agency_{side}"], link[f"stub_{side}"]) == (agency, stub_id):
            return side
    return None


def _pinned(
    directory: Directory,
    members: tuple[Member | None, Member | None],
    link: Row | None,
    stubs: tuple[Stub | None, Stub | None],
) -> DecisionFacts:
    (requester, holder), (own, other) = members, stubs
    return DecisionFacts(
        charter=directory.charter_at(None).statement_id,
        requester_membership=requester.statement_id if requester else None,
        holder_membership=holder.statement_id if holder else None,
        round=link["round_id"] if link else None,
        requester_publication=own.publication if own else None,
        holder_publication=other.publication if other else None,
    )


def _stub(links: LinkTables, end: tuple[str, str] | None) -> Stub | None:
    """An agency's stub, if it is that agency's."""
    stub = links.stub(end[1]) if end else None
    return stub if stub is not None and end is not None and stub.agency == end[0] else None
