"""Links as the hub's rounds tell them, and the team around a client (specs/01-statements.md §5).

A link is the hub's claim. It becomes more than that only when both sides prove, with their link
secret, that they hold the same value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.links.references import Entry, entries_of, shortest
from node.membership.hub import HubMembership
from node.news.teams import take_links
from node.publishing.drafts import allowed
from node.store.hints import Hint
from node.store.links import Link, LinkedInvolvement, LinkState
from node.store.records import Client, record_of
from node.store.stubs import PublishedStub, Rounds
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import DutyDesk
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.messages.bodies import LinkNotice, MemberBody, NoticeBody, RoundsBody
from protocol.messages.members import FiguresBody
from protocol.messages.statement import Statement
from protocol.requests.refusals import sentence


@dataclass(frozen=True)
class TeamMember:
    """One involvement of another agency with the same client, and whom to call. People refer to
    it by its reference (node/links/references.py).
    """

    reference: str
    link_id: str
    involvement_id: str
    label: str
    agency: str
    duty_line: str
    duty_hours: str
    is_past: bool = False


@dataclass(frozen=True)
class DutyLine:
    """Somebody to call at a member agency."""

    agency: str
    phone: str
    hours: str


@dataclass(frozen=True)
class Publisher:
    """A member agency that finds and is found here, and what it said last of how much that is and
    how fresh; `said_at` (Unix seconds) None: nothing yet.
    """

    agency: str
    said_at: int | None
    figures: FiguresBody | None


@dataclass(frozen=True)
class Service:
    """A sensitive service of a class of members (its title) that works with the client and can be
    reached: not named until we ask to be introduced. `sentence`: why that was refused.
    """

    reference: str
    hint_id: str
    kind: str
    state: str
    sentence: str | None


class Unpublished(StrEnum):
    """Why a client is not published, so that nobody finds them."""

    NO_PERMISSION = "no_permission"
    NOT_IN_CHARTER = "not_in_charter"
    HELD = "held"
    WITHHELD = "withheld"
    INSUFFICIENT_IDENTIFIERS = "too_little"
    NOT_YET = "not_yet"


@dataclass(frozen=True)
class Team:
    """The team around a client: others, how many possible matches wait, and the duty desk.

    An empty team never means that nobody works with the client: `ring` is everybody's duty line,
    `publishers` who was looked through, and how fresh that is.
    `services` can be reached, and are not named; `desk_hints` are what the duty desk is asked by.
    What is published and not `compared` waits for a round; `next_round` is when the hub said that
    it is, `overdue` whether that is past.
    """

    own: tuple[str, ...]
    others: tuple[TeamMember, ...]
    possible: int
    duty_desk: DutyDesk
    published: bool
    unpublished: Unpublished | None
    compared: bool
    next_round: int | None
    overdue: bool
    waiting: int
    ring: tuple[DutyLine, ...]
    publishers: tuple[Publisher, ...]
    services: tuple[Service, ...] = ()
    desk_hints: tuple[str, ...] = ()


def on_notice(
    tables: NodeTables, membership: HubMembership, statement: Statement[NoticeBody]
) -> None:
    """Take what a round means for us. Raises RemoteError unless the hub said it."""
    if statement.preamble.sender != membership.hub.hub_id:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub tells of links")
    hub_id, body = membership.hub.hub_id, statement.body
    # Kept whatever stub it names: ours may be of a publication whose answer is still to come.
    told = [_link(hub_id, body.round, item) for item in body.links if item.state != "ended"]
    ended = [item.link_id for item in body.links if item.state == "ended"]
    take_links(tables, membership, told, ended)


def on_rounds(
    tables: NodeTables, membership: HubMembership, statement: Statement[RoundsBody]
) -> None:
    """Take how far rounds have come with what we published. Raises RemoteError unless the hub said
    it.
    """
    if statement.preamble.sender != membership.hub.hub_id:
        raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub tells of rounds")
    hub_id, body = membership.hub.hub_id, statement.body
    before = tables.stubs.rounds(hub_id)
    least = before.compared_below if before else 0
    compared_below = max(least, body.compared_below)
    tables.stubs.set_rounds(hub_id, Rounds(compared_below, body.next_round))


def team_of(tables: NodeTables, membership: HubMembership, local_id: str) -> Team:
    """The team around a client. Raises LocalError(NOT_FOUND) for no client of ours."""
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    stub = tables.stubs.of_client(hub_id, client.id)
    published = stub is not None and not stub.retired
    known = known_links(tables, membership, stub)
    shown = [item for item in entries_of(known) if item.link.state is not LinkState.ENDED]
    hints = tables.hints.of_stub(hub_id, stub.stub_id) if stub else []
    rounds = tables.stubs.rounds(hub_id)
    works = tables.records.in_force(client.id, membership.at())
    kinds = (membership.agreement.kind(item.type) for item in works)
    own = [kind.title for kind in kinds if kind is not None]
    possible = sum(link.state is LinkState.POSSIBLE for link in known)
    return Team(
        own=tuple(own),
        others=tuple(_members(membership, shown)),
        possible=possible,
        duty_desk=membership.charter.duty_desk,
        published=published,
        unpublished=None if published else _why_unpublished(tables, membership, client),
        compared=stub is not None and published and tables.stubs.is_compared(hub_id, stub.stub_id),
        next_round=rounds.next_round if rounds else None,
        overdue=rounds is not None and rounds.next_round < now,
        waiting=tables.reviews.count_waiting(hub_id, stub.stub_id) if stub else 0,
        ring=tuple(_duty_lines(membership)),
        publishers=tuple(_publishers(membership)),
        services=tuple(_services(membership, hints)),
        desk_hints=tuple(hint.hint_id for hint in hints if hint.says == "duty_desk"),
    )


def _link(hub_id: str, round_id: str, notice: LinkNotice) -> Link:
    return Link(
        hub_id=hub_id,
        link_id=notice.link_id,
        stub_id=notice.stub_id,
        state=LinkState(notice.state),
        agency_id=notice.agency_id,
        involvements=tuple(
            LinkedInvolvement(item.id, item.type, item.label, item.is_past)
            for item in notice.involvements
        ),
        evidence=notice.evidence,
        round_id=round_id,
    )


def known_links(
    tables: NodeTables, membership: HubMembership, stub: PublishedStub | None
) -> list[Link]:
    """The links of a stub: those that we were told of, and those to services that the hub named to
    us because we asked.
    """
    if stub is None:
        return []
    hub_id = membership.hub.hub_id
    told = tables.links.of_stub(hub_id, stub.stub_id)
    return [*told, *tables.hints.links_of(hub_id, stub.stub_id)]


def label_of(involvement: LinkedInvolvement) -> str:
    """What people read of the work: that it is past, too."""
    return f"{involvement.label} (past)" if involvement.is_past else involvement.label


def _members(membership: HubMembership, entries: Sequence[Entry]) -> Iterator[TeamMember]:
    for entry in entries:
        member = membership.directory.active(entry.agency_id)
        if member is not None:
            yield TeamMember(
                entry.reference,
                entry.link.link_id,
                entry.involvement.id,
                label_of(entry.involvement),
                member.body.name,
                member.body.duty_line,
                member.body.duty_hours,
                entry.involvement.is_past,
            )


def _services(membership: HubMembership, hints: Sequence[Hint]) -> Iterator[Service]:
    titles = {item.code: item.title for item in membership.charter.classes}
    names = {hint.hint_id.upper() for hint in hints}
    for hint in hints:
        if hint.member_class is not None:
            name, why = hint.hint_id.upper(), hint.code
            title = titles.get(hint.member_class, hint.member_class)
            says = sentence(why, hint.field) if why else None
            yield Service(shortest(name, names), hint.hint_id, title, hint.state.value, says)


def _why_unpublished(tables: NodeTables, membership: HubMembership, client: Client) -> Unpublished:
    if tables.held.of(client.id) is not None:
        return Unpublished.HELD
    at = membership.at()
    if tables.withheld.is_withheld(client.id, at.now):
        return Unpublished.WITHHELD
    permitted = tables.records.in_force(client.id, at)
    if not permitted:
        return Unpublished.NO_PERMISSION
    findable = tables.findable.of(at.hub_id)
    if not allowed(membership.agreement, findable, permitted, at.now):
        return Unpublished.NOT_IN_CHARTER
    policy = membership.charter.policy
    made = match_keys(record_of(client, membership.shared_places), policy.keys)
    return Unpublished.NOT_YET if names_somebody(made) else Unpublished.INSUFFICIENT_IDENTIFIERS


def _duty_lines(membership: HubMembership) -> Iterator[DutyLine]:
    """Every other member agency's duty line, by name: a directory for when nobody is found."""
    for body in _others(membership):
        yield DutyLine(body.name, body.duty_line, body.duty_hours)


def _publishers(membership: HubMembership) -> Iterator[Publisher]:
    """Every other member agency by name, with the figures that it gave last."""
    for body in _others(membership):
        said = membership.directory.figures.get(body.party_id)
        yield Publisher(body.name, said.iat if said else None, said.body if said else None)


def _others(membership: HubMembership) -> list[MemberBody]:
    directory = membership.directory
    members = (directory.active(party) for party in directory.members)
    others = [
        member.body
        for member in members
        if member
        and member.body.party_id != membership.hub.party_id
        and member.body.member_class != "auditor"
    ]
    return sorted(others, key=lambda body: body.name)
