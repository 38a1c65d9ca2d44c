"""Links as they change, and what that is to people: found by, joined, left (specs/11-news.md §2).

A line is of what the other side's involvement shows, never of more than the team shows: `left`
takes the place of the lines before it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from node.membership.hub import HubMembership
from node.news.telling import Event, clients_behind, tell
from node.store.links import Link, LinkedInvolvement, LinkState
from node.store.news import IN_TEAM, NewsKind, NewsLevel
from node.store.tables import NodeTables
from protocol.governance.charter import Charter


@dataclass(frozen=True)
class Change:
    """What a link shows from now on (`is_here`), or does not show any more."""

    link: Link
    involvement: LinkedInvolvement
    is_here: bool


def take_links(
    tables: NodeTables,
    membership: HubMembership,
    told: Sequence[Link],
    ended: Collection[str] = (),
) -> None:
    """Keep links as they are told, end others, and tell our people what is new of it."""
    hub_id = membership.hub.hub_id
    before = tables.links.of_ids(hub_id, [*(link.link_id for link in told), *ended])
    after = {**{one: replace(before[one], state=LinkState.ENDED) for one in ended if one in before},
             **{link.link_id: link for link in told}}  # fmt: skip
    changes = [change for one, link in after.items() for change in _changes(before.get(one), link)]
    found_before = tables.links.agencies(hub_id, {change.link.stub_id for change in changes})
    tables.links.take(told)
    tables.links.end(hub_id, ended)
    _tell(tables, membership, changes, found_before)


def shown(link: Link | None) -> Mapping[str, LinkedInvolvement]:
    """What a link shows of the other side, by the involvement's id."""
    if link is None or link.state is LinkState.ENDED or link.agency_id is None:
        return {}
    return {item.id: item for item in link.involvements}


def _changes(before: Link | None, after: Link) -> Iterable[Change]:
    """What came and what went. Work that is past has gone, though it may still be shown."""
    was, now = shown(before), shown(after)
    for item in now.values():
        last = was.get(item.id)
        if last is None or item.is_past != last.is_past:
            yield Change(after, item, last is None or not item.is_past)
    for item in was.values():
        if item.id not in now and before is not None:
            yield Change(before, item, is_here=False)


def _tell(
    tables: NodeTables,
    membership: HubMembership,
    changes: Sequence[Change],
    found_before: Collection[tuple[str, str]],
) -> None:
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    came = [(one.link.link_id, one.involvement.id) for one in changes if one.is_here]
    went = [(one.link.link_id, one.involvement.id) for one in changes if not one.is_here]
    tables.news.remove(hub_id, [NewsKind.LEFT], came)
    tables.news.remove(hub_id, IN_TEAM, went)
    clients = clients_behind(tables, hub_id, {one.link.stub_id for one in changes})
    levels = _levels(membership.charter)
    known = tables.news.shown_before(hub_id, set(clients.values()))
    again, events = set[tuple[int, str]](), []
    for change in changes:
        stub_id, agency = change.link.stub_id, str(change.link.agency_id)
        client = clients.get(stub_id)
        if client is None:
            continue
        if change.is_here and (client, agency) in known:
            again.add((client, agency))
            continue
        joined = NewsKind.JOINED if (stub_id, agency) in found_before else NewsKind.FOUND_BY
        kind = joined if change.is_here else NewsKind.LEFT
        level = levels.get(change.involvement.type, NewsLevel.NOTICE)
        events.append(Event(kind, client, change.link.link_id, change.involvement.id, level))
    tables.news.forget_shown(hub_id, again)
    tell(tables, hub_id, events, now)


def _levels(charter: Charter) -> Mapping[str, NewsLevel]:
    return {item.code: NewsLevel(item.notice) for item in charter.involvement_types}
