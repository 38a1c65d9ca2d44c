"""A person's news as values: lines, and numbers of a day where the charter says digest.

specs/11-news.md. Shows client data to the agency's own people on their own screen; nothing
here is logged, and none of it goes into a mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from node.links.team import label_of
from node.membership.hub import HubMembership
from node.news.reading import CONFIRM, Current, current
from node.store.news import OF_TEAMS, NewsKind, NewsLevel
from node.store.requests import SentRequest, SentState
from node.store.tables import NodeTables

OF_REQUESTS = {
    NewsKind.ASKED: "{agency} asks for contact details: patchwork-node inbox.",
    NewsKind.ANSWERED: "your request to {agency} was answered: patchwork-node inbox.",
    NewsKind.RECALLED: "a card from {agency} was recalled, and is deleted here.",
    NewsKind.OVERDUE: "a request between you and {agency} is overdue: patchwork-node inbox.",
    NewsKind.PASSED_ON: "a request was passed on to you: patchwork-node inbox.",
}
RENEWED = (
    "what is on a card from {agency} has changed, and the new one is here: patchwork-node inbox."
)
OF_CLIENTS = {
    NewsKind.FOUND_BY: "{who} works with them too: patchwork-node team.",
    NewsKind.JOINED: "{who} has joined their team: patchwork-node team.",
    NewsKind.LEFT: "the work of {who} with them is over.",
}
OF_MANY = {
    NewsKind.FOUND_BY: "of your clients were found by {who}.",
    NewsKind.JOINED: "of your clients' teams were joined by {who}.",
    NewsKind.LEFT: "of your clients' teams were left by {who}.",
}
LEFT = "somebody who was in their team is shown there no more."
LEFT_MANY = "of your clients' teams show somebody no more who was in them."
HANDED_OVER = "a colleague handed them over to you: patchwork-node clients list --mine."
ATTENTION = "somebody in their team wants attention for them."
OF_ONE = {NewsKind.ATTENTION: ATTENTION, NewsKind.HANDED_OVER: HANDED_OVER}
POSSIBLE = "a possible match waits for a person: patchwork-node review."
UNCONFIRMED = "nobody has said for long that this work goes on: patchwork-node clients confirm."
CONSENT_ENDS = "their consent ends on {day}: patchwork-node consent give, if they agree again."


@dataclass(frozen=True)
class Reader:
    """Whose list: a person (a row's id), in the agency's time zone; `everything`: what was seen,
    too.
    """

    person: int
    zone: ZoneInfo
    everything: bool = False


def news_value(
    tables: NodeTables, membership: HubMembership, reader: Reader
) -> list[dict[str, Any]]:
    """A person's lines at one hub, the newest first; `numbers`: those that one stands for."""
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    lines = tables.news.of_person(reader.person, unseen=not reader.everything)
    found = current(tables, [line for line in lines if line.hub_id == hub_id], now)
    ids = {
        client.id: client.local_id
        for client in tables.records.clients_by_row({item.line.client for item in found})
    }
    said = [_Said.of(membership, item, ids, reader.zone) for item in found]
    return [_value(same) for same in _by_digest([one for one in said if one is not None])]


@dataclass(frozen=True)
class _Said:
    """What a line says: of which client (our own id), on which day, of whom. `who` None: of nobody
    in particular.
    """

    item: Current
    client: str
    day: date
    agency: str | None
    who: str | None

    @classmethod
    def of(
        cls, membership: HubMembership, item: Current, ids: dict[int, str], zone: ZoneInfo
    ) -> "_Said | None":
        """None where a line is of somebody whom the team does not show any more."""
        line, party = item.line, item.agency_id
        if item.request is not None:
            sent = isinstance(item.request, SentRequest)
            party = item.request.holder if sent else item.request.requester  # type: ignore[union-attr]
        known = membership.directory.member if item.request else membership.directory.active
        member = known(party) if party is not None else None
        agency = member.body.name if member else None
        if item.request is not None:
            agency = agency or "an organisation that has left"
        if line.kind in OF_TEAMS and party is not None and agency is None:
            if line.kind is not NewsKind.LEFT:
                return None
            item = Current(line)
        label = label_of(item.involvement) if item.involvement else None
        who = f"{agency} ({label})" if agency and label else agency
        day = datetime.fromtimestamp(line.at, zone).date()
        return cls(item, ids[line.client], day, agency, who)

    @property
    def key(self) -> tuple[object, ...]:
        """What stands in one line of a digest together; of any other line its own number."""
        line = self.item.line
        if line.level is not NewsLevel.DIGEST:
            return (line.id,)
        return (line.kind, self.day, self.who, line.seen_at is None)


def _by_digest(said: Sequence[_Said]) -> list[list[_Said]]:
    found: dict[tuple[object, ...], list[_Said]] = {}
    for one in said:
        found.setdefault(one.key, []).append(one)
    return list(found.values())


def _value(same: Sequence[_Said]) -> dict[str, Any]:
    first, clients = same[0], sorted({one.client for one in same})
    line, involvement = first.item.line, first.item.involvement
    return {
        "kind": line.kind.value,
        "topic": _topic(first),
        "level": line.level.value,
        "at": line.at,
        "seen": line.seen_at is not None,
        "clients": clients,
        "count": len(clients),
        "agency": first.agency,
        "label": label_of(involvement) if involvement else None,
        "request_id": line.subject if first.item.request is not None else None,
        "says": _sentence(first, clients),
        "numbers": [one.item.line.id for one in same],
    }


def _sentence(said: _Said, clients: Sequence[str]) -> str:
    line = said.item.line
    if len(clients) > 1:
        text = OF_MANY[line.kind] if said.who else LEFT_MANY
        return f"{len(clients)} {text.format(who=said.who)}"
    return f"{clients[0]}: {_of_one(said)}"


def _topic(said: _Said) -> str:
    """What a line is about, finer than its kind: for pages, which say it in words of their own."""
    line = said.item.line
    if _is_new_card(said.item):
        return "renewed"
    if line.kind is not NewsKind.REVIEW_DUE:
        return line.kind.value if said.who or line.kind is not NewsKind.LEFT else "left_unnamed"
    if said.item.work is None:
        return "possible"
    return "unconfirmed" if line.item.startswith(CONFIRM) else "consent_ends"


def _is_new_card(item: Current) -> bool:
    """Whether a line tells of the card that we have, and that took the place of another."""
    line, request = item.line, item.request
    return (
        line.kind is NewsKind.ANSWERED
        and isinstance(request, SentRequest)
        and request.state is SentState.OPENED
        and request.renewed_at is not None
        and line.item == request.release_id
    )


def _of_one(said: _Said) -> str:
    line, work = said.item.line, said.item.work
    if line.kind in OF_CLIENTS:
        return OF_CLIENTS[line.kind].format(who=said.who) if said.who else LEFT
    if line.kind in OF_ONE:
        return OF_ONE[line.kind]
    if _is_new_card(said.item):
        return RENEWED.format(agency=said.agency)
    if line.kind in OF_REQUESTS:
        return OF_REQUESTS[line.kind].format(agency=said.agency)
    if work is None:
        return POSSIBLE
    if line.item.startswith(CONFIRM):
        return UNCONFIRMED
    day = datetime.fromtimestamp((work.valid_until or 0) - 1, UTC).date().isoformat()
    return CONSENT_ENDS.format(day=day)
