"""What goes when its time is over, clients and all else: specs/09-imports.md §14.

The charter says for how long a node keeps at most; the agency may say less. Without a number
nothing of a kind goes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from node.membership.hub import followed_charters
from node.membership.synced import check_synced
from node.records.strong_keys import left_by
from node.store.going import Over
from node.store.old import Kind, Old, old_absences, old_acts, old_asked, old_doubts, old_news
from node.store.tables import NodeTables
from protocol.governance.charter import Charter
from protocol.governance.retention import DAY

PAGE = 200
"""Clients, or rows, that go together."""


class Stays(StrEnum):
    """Why a client stays though the time is over, the first of these that holds."""

    WITHHELD = "withheld"
    HELD = "held"
    PUBLISHED = "published"
    REQUEST = "request"
    CHECK = "check"
    CARD = "card"
    STATEMENT = "statement"
    ALERT = "alert"
    NO_TIME = "no_time"
    FINDABLE = "findable"


@dataclass(frozen=True)
class OwnDays:
    """How many days the agency itself lets things stay; 0: it does not say."""

    closed_clients: int = 0
    requests: int = 0
    news: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class Days:
    """How many days things stay, by the charters and the agency, the fewest; None: nobody says.
    Requests by hub; `cards`: how long a card may be kept that does not say it.
    """

    closed_clients: int | None
    requests: Mapping[str, int]
    news: int | None
    withdrawn: int | None
    cards: int

    def without(self) -> list[Kind]:
        """The kinds of which nothing goes, because nobody says when."""
        unsaid = [Kind.CLIENTS] if self.closed_clients is None else []
        news = [Kind.ACTS, Kind.ABSENCES, Kind.ALARMS, Kind.ALERTS, Kind.NEWS]
        return unsaid + (news if self.news is None else [])


@dataclass
class Forgotten:
    """How many of each kind went, or would go, and how many clients stay and why."""

    gone: Counter[Kind] = field(default_factory=Counter)
    stays: Counter[Stays] = field(default_factory=Counter)


def days_of(tables: NodeTables, own: OwnDays) -> Days:
    """For how long things stay. Raises LocalError(NOT_READY) of a backup that was put back and does
    not know yet what it missed: what is over here may go on.
    """
    for hub in tables.hubs.all():
        check_synced(tables, hub.hub_id)
    charters = [charter for _, charter in followed_charters(tables)]
    said = [charter.node_retention for charter in charters if charter.node_retention]
    return Days(
        _least(own.closed_clients, [item.closed_client_days for item in said]),
        {charter.charter_id: _request_days(charter, own.requests) for charter in charters},
        _least(own.news, [item.news_days for item in said]),
        _least(own.withdrawn, [item.withdrawn_days for item in said]),
        max((charter.retention_days for charter in charters), default=0),
    )


def _least(own: int, said: Collection[int]) -> int | None:
    return min([*said, *([own] if own else [])], default=None)


def _request_days(charter: Charter, own: int) -> int:
    said = [charter.node_retention.request_days] if charter.node_retention else []
    return min([*said, charter.retention_days, *([own] if own else [])])


def old_rows(days: Days, now: int) -> list[Old]:
    """What is old beside clients, and does not belong to one."""
    found = [
        old
        for hub_id, most in days.requests.items()
        for old in old_asked(hub_id, now - most * DAY, now - days.cards * DAY)
    ]
    if days.news is not None:
        before = now - days.news * DAY
        found += [old for hub_id in days.requests for old in old_news(hub_id, before)]
        found += [old_acts(before), old_absences(before)]
    if (listed := days_of_lists(days)) is not None:
        found.append(old_doubts(now - listed * DAY))
    return found


def days_of_lists(days: Days) -> int | None:
    """How long stays what names clients and cannot be told to be one's: agreed doubts, lists."""
    said = [item for item in (days.news, days.closed_clients) if item is not None]
    return min(said, default=None)


class GoingOn:
    """Clients, page by page. `draw`: random bytes."""

    def __init__(self, days: Days, now: int, draw: Callable[[int], bytes]) -> None:
        self._days, self._now, self._draw = days, now, draw

    def page(
        self, tables: NodeTables, after: int, *, dry_run: bool
    ) -> tuple[int | None, Forgotten]:
        """The next clients who are over: delete those whom nothing keeps, unless it is a dry run.
        The last of them (a row id), or None if there are no more.
        """
        most, done = self._days.closed_clients, Forgotten()
        if most is None:
            return None, done
        before = self._now - most * DAY
        wholes = tables.going.over_after(after, PAGE, before)
        if not wholes:
            return None, done
        kept_since = self._now - self._days.cards * DAY
        over = tables.going.look(wholes, self._now, kept_since)
        stays = self._stays(tables, over)
        done.stays.update(stays.values())
        # A part of somebody has no work of its own; if it had, nothing of it may be lost.
        going_on = {over.members[one] for one in tables.going.going_on(over.members, before)}
        going = over.only([one for one in wholes if one not in stays and one not in going_on])
        withdrew = tables.going.withdrew(going.members)
        done.gone[Kind.CLIENTS] = len(set(going.members.values()))
        done.gone[Kind.WITHDREW] = len({going.members[client] for client in withdrew})
        if not dry_run:
            self._leave_hashes(tables, going, {going.members[client] for client in withdrew})
            tables.going.delete(going)
        return wholes[-1], done

    def _stays(self, tables: NodeTables, over: Over) -> dict[int, Stays]:
        """Whom of these something keeps, and what."""
        going, members, asked = tables.going, over.members, over.asked
        checks = {one for one in asked if one.table.endswith("check")}
        found = {
            Stays.WITHHELD: going.withheld(members, self._now),
            Stays.HELD: going.held(members),
            Stays.PUBLISHED: going.published(members),
            Stays.REQUEST: {asked[one] for one in asked if one.waits and one not in checks},
            Stays.CHECK: {asked[one] for one in checks if one.waits},
            Stays.CARD: {asked[one] for one in asked if one.card},
            Stays.STATEMENT: going.unsent(over),
            Stays.ALERT: going.unseen(over),
            Stays.NO_TIME: going.withdrew(members) if self._days.withdrawn is None else set(),
        }
        stays: dict[int, Stays] = {}
        for why, clients in found.items():
            for client in clients:
                stays.setdefault(members[client], why)
        return stays

    def _leave_hashes(self, tables: NodeTables, going: Over, wholes: Collection[int]) -> None:
        """Keep of those who withdrew what they are known again by, for the time of that."""
        if not wholes or self._days.withdrawn is None:
            return
        secret = tables.withdrawn.secret()
        if secret is None:
            secret = self._draw(32)
            tables.withdrawn.set_secret(secret)
        left = set[bytes]()
        clients = [one for one, whole in going.members.items() if whole in wholes]
        for client, local_ids in tables.going.names_of(clients).values():
            left |= left_by(client.record, local_ids, secret)
        tables.withdrawn.put(left, self._now, self._now + self._days.withdrawn * DAY)
