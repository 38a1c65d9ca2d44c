"""Which clients are over, what keeps them here, and all that goes with them.

specs/09-imports.md §14. The one place that knows every table that says something of a client.
Everything is looked up by index, for some clients at a time. Nothing here decides.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from node.store.found_by import FoundBy
from node.store.old import ABOUT_REQUESTS, NOT_OF_CLIENTS, Asked, OldRows
from node.store.publications import Publications
from node.store.records import Client, client_of
from node.store.requests import ReceivedState, SentState
from node.store.resync import Resyncs
from storage.engine import Row, Transaction

OF_INVOLVEMENT = ("involvement_worker", "merged_involvement", "consent")
"""Tables with a column `involvement`, in the order in which their rows are deleted."""
OF_CLIENT = (
    ("merged_involvement", "client"), ("merged_client", "client"), ("merged_client", "into_client"),
    ("client_said", "client"), ("other_id", "client"), ("relative", "client"),
    ("relative", "relative"), ("objection", "client"), ("withheld", "client"), ("stub", "client"),
    ("request_draft", "client"), ("consent_draft", "client"),
    ("news", "client"), ("shown_before", "client"),
    ("enquiry", "client"), ("sent_attention", "client"), ("opening", "client"),
    ("seen_row", "client"),
)  # fmt: skip
"""Tables that name a client, and by which column."""
OF_STUB = (
    "published_token", "stub_tokens", "stub_change", "link", "lost_stub", "hint", "introduced",
    "received_attention",
)  # fmt: skip
"""Tables with the columns `hub_id` and `stub_id`."""
_SENT_OPEN = (SentState.SENDING.value, SentState.WAITING.value, SentState.ALLOWED.value)
_RECEIVED_OPEN = (
    ReceivedState.ARRIVED.value, ReceivedState.ASKS_PERSON.value, ReceivedState.DECIDING.value,
    ReceivedState.ALLOWED.value,
)  # fmt: skip
_LEFT = (ReceivedState.RELEASED.value, ReceivedState.OPENED.value, ReceivedState.RECALLED.value)
_RECEIVED = (
    "SELECT hub_id, request_id, involvement, link_id, expires > ? AND state IN (?, ?, ?, ?) "
    "AS waits, state IN (?, ?, ?) AND gone_at IS NULL AND (keep_until > ? "
    "OR (keep_until IS NULL AND received_at > ?)) AS card FROM received_request WHERE"
)
_CHECK = (
    "SELECT hub_id, check_id AS request_id, link_id, expires > ? AND answer IS NULL "
    "AND code IS NULL AND state NOT IN ('stopped', 'log_lost', 'refused', 'failed') AS waits, "
    "0 AS card"
)
_NAMES_A_PERSON = (
    ("involvement_worker", "practitioner"), ("hub_practitioner", "practitioner"),
    ("act", "person"), ("sent_request", "practitioner"), ("received_request", "worker"),
    ("merged_client", "person"), ("unwitnessed_card", "practitioner"),
    ("withheld", "proposed_by"), ("withheld", "agreed_by"), ("withheld", "ending_by"),
    ("withheld", "ended_by"), ("consent", "recorded_by"), ("consent", "withdrawn_by"),
    ("team_role", "practitioner"), ("absence", "practitioner"), ("absence", "cover"),
    ("received_request", "passed_to"), ("received_request", "passed_by"),
    ("received_request", "answered_by"),
    ("request_draft", "practitioner"), ("consent_draft", "person"),
    ("news", "person"), ("news_mail", "person"),
    ("enquiry", "practitioner"),
    ("sent_attention", "practitioner"), ("received_attention", "seen_by"),
    ("account", "person"), ("opening", "person"), ("upload", "person"),
)  # fmt: skip


@dataclass
class Over:
    """Some clients with whom all work is over, and those merged into them: whose part each member
    is (row ids), their involvements, stubs by hub, links and hints by hub, what was asked of them,
    and attention raised about them by hub.
    """

    members: dict[int, int]
    works: dict[int, int] = field(default_factory=dict)
    stubs: dict[str, dict[str, int]] = field(default_factory=dict)
    links: dict[str, dict[str, int]] = field(default_factory=dict)
    asked: dict[Asked, int] = field(default_factory=dict)
    raised: dict[str, dict[str, int]] = field(default_factory=dict)

    def only(self, wholes: Collection[int]) -> "Over":
        """The same of these clients alone."""
        keep = {member for member, whole in self.members.items() if whole in wholes}

        def of(found: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
            return {
                hub: {one: client for one, client in items.items() if client in keep}
                for hub, items in found.items()
            }

        return Over(
            {member: self.members[member] for member in keep},
            {one: client for one, client in self.works.items() if client in keep},
            of(self.stubs),
            of(self.links),
            {one: client for one, client in self.asked.items() if client in keep},
            of(self.raised),
        )


class GoingClients:
    """Clients who are over, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._old = OldRows(tx)

    def over_after(self, after: int, size: int, before: int) -> list[int]:
        """The next clients, by row id, all whose work was over and whose last withdrawal was made
        by a time; those merged into others are none of them.
        """
        rows = self._tx.rows(
            "SELECT c.id FROM client c WHERE c.id > ? "
            "AND c.id NOT IN (SELECT client FROM enquiry) "
            "AND EXISTS (SELECT 1 FROM involvement i WHERE i.client = c.id) "
            "AND NOT EXISTS (SELECT 1 FROM involvement i WHERE i.client = c.id "
            "AND (i.ended_at IS NULL OR i.ended_at > ? OR i.withdrawn_at > ?)) "
            "ORDER BY c.id LIMIT ?",
            after, before, before, size,
        )  # fmt: skip
        return [int(row["id"]) for row in rows]

    def going_on(self, clients: Collection[int], before: int) -> set[int]:
        """Those of whom that is not so of some work."""
        sql = (
            "SELECT client FROM involvement WHERE (ended_at IS NULL OR ended_at > ? "
            "OR withdrawn_at > ?) AND client IN (:among)"
        )
        return self._clients(sql, clients, before, before)

    def look(self, wholes: Collection[int], now: int, kept_since: int) -> Over:
        """All that is to be known of clients to delete them. Of a card that left and does not say
        until when it may be kept: one that was asked for after `kept_since` may still be.
        """
        over = Over(self._members(wholes))
        clients = list(over.members)
        sql = "SELECT id, client FROM involvement WHERE client IN (:among)"
        over.works = {row["id"]: row["client"] for row in self._tx.rows_among(sql, among=clients)}
        sql = "SELECT hub_id, stub_id, client FROM stub WHERE client IN (:among)"
        for row in self._tx.rows_among(sql, among=clients):
            over.stubs.setdefault(row["hub_id"], {})[row["stub_id"]] = row["client"]
        for hub_id, stubs in over.stubs.items():
            over.links[hub_id] = {
                row["about"]: stubs[row["stub_id"]]
                for table in ("link", "hint")
                for row in self._tx.rows_among(
                    f"SELECT {table}_id AS about, stub_id FROM {table} "  # noqa: S608 - our own
                    "WHERE hub_id = ? AND stub_id IN (:among)",
                    hub_id,
                    among=stubs,
                )
            }
        over.asked = dict(self._asked(over, now, kept_since))
        sql = "SELECT hub_id, attention_id, client FROM sent_attention WHERE client IN (:among)"
        for row in self._tx.rows_among(sql, among=clients):
            over.raised.setdefault(row["hub_id"], {})[row["attention_id"]] = row["client"]
        return over

    def _members(self, wholes: Collection[int]) -> dict[int, int]:
        sql = (
            "WITH RECURSIVE member (client, whole) AS (SELECT id, id FROM client "
            "WHERE id IN (:among) UNION SELECT m.client, p.whole FROM member p "
            "JOIN merged_client m ON m.into_client = p.client) SELECT client, whole FROM member"
        )
        return {row["client"]: row["whole"] for row in self._tx.rows_among(sql, among=wholes)}

    def _asked(self, over: Over, now: int, kept_since: int) -> Iterator[tuple[Asked, int]]:
        yield from self._sent(over, now)
        values = (now, *_RECEIVED_OPEN, *_LEFT, now, kept_since)
        sql = f"{_RECEIVED} involvement IN (:among)"
        for row in self._tx.rows_among(sql, *values, among=over.works):
            yield _asked("received_request", row), over.works[row["involvement"]]
        for hub_id, links in over.links.items():
            sql = f"{_RECEIVED} hub_id = ? AND link_id IN (:among)"
            for row in self._tx.rows_among(sql, *values, hub_id, among=links):
                yield _asked("received_request", row), links[row["link_id"]]
            for table in ("sent_check", "received_check"):
                sql = f"{_CHECK} FROM {table} WHERE hub_id = ? AND link_id IN (:among)"
                for row in self._tx.rows_among(sql, now, hub_id, among=links):
                    yield _asked(table, row), links[row["link_id"]]

    def _sent(self, over: Over, now: int) -> Iterator[tuple[Asked, int]]:
        sent = (
            "SELECT hub_id, request_id, client, expires > ? AND state IN (?, ?, ?) AS waits, "
            "card IS NOT NULL OR wiped = 0 AS card FROM sent_request WHERE client IN (:among)"
        )
        for row in self._tx.rows_among(sent, now, *_SENT_OPEN, among=over.members):
            yield _asked("sent_request", row), row["client"]

    def published(self, clients: Collection[int]) -> set[int]:
        """Those of whom a hub still has a stub."""
        sql = "SELECT client FROM stub WHERE retired = 0 AND revision > 0 AND client IN (:among)"
        waiting = self._waiting()
        return self._clients(sql, clients) | {one for one in clients if one in waiting}

    def _waiting(self) -> set[int]:
        """The clients in publications that hubs have not taken yet: a few, and mostly none."""
        store = Publications(self._tx)
        hubs = [str(row["hub_id"]) for row in self._tx.rows("SELECT hub_id FROM hub")]
        pending = [found for hub_id in hubs if (found := store.pending(hub_id)) is not None]
        return {effect.stub.client for one in pending for effect in one.effects}

    def held(self, clients: Collection[int]) -> set[int]:
        """Those who are held, or whom a held one may be."""
        sql = "SELECT {0} AS client FROM held_client WHERE {0} IN (:among)"
        return self._clients(sql.format("client"), clients) | self._clients(
            sql.format("other"), clients
        )

    def withheld(self, clients: Collection[int], now: int) -> set[int]:
        """Those of whom it is proposed or in force that they are withheld."""
        sql = (
            "SELECT client FROM withheld WHERE ended_at IS NULL "
            "AND (expires_at IS NULL OR expires_at > ?) AND client IN (:among)"
        )
        return self._clients(sql, clients, now)

    def withdrew(self, clients: Collection[int]) -> set[int]:
        """Those whose permission for any work was withdrawn."""
        sql = "SELECT client FROM involvement WHERE withdrawn_at IS NOT NULL AND client IN (:among)"
        return self._clients(sql, clients)

    def unsent(self, over: Over) -> set[int]:
        """Those of whom a statement is on its way."""
        found = set()
        for hub_id, about in _subjects(over).items():
            found |= {about[one] for one in self._old.unsettled(hub_id, about)}
        return found

    def unseen(self, over: Over) -> set[int]:
        """Those of whom the lead has not seen an alert."""
        return {over.asked[one] for one in self._old.unseen(over.asked)}

    def count_findable(self, before: int, now: int) -> int:
        """How many withdrew by a time, and have work that goes on and is always findable."""
        row = self._tx.one(
            "SELECT COUNT(DISTINCT client) AS n FROM involvement WHERE withdrawn_at <= ? "
            "AND (ended_at IS NULL OR ended_at > ?) "
            "AND type IN (SELECT type FROM always_findable)",
            before, now,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def names_of(self, clients: Collection[int]) -> dict[int, tuple[Client, list[str]]]:
        """Clients with all their local ids."""
        sql = "SELECT * FROM client WHERE id IN (:among)"
        found = {
            row["id"]: (client_of(row), [str(row["local_id"])])
            for row in self._tx.rows_among(sql, among=clients)
        }
        sql = "SELECT client, local_id FROM other_id WHERE client IN (:among)"
        for row in self._tx.rows_among(sql, among=clients):
            found[row["client"]][1].append(str(row["local_id"]))
        return found

    def delete(self, over: Over, *, counts: bool = False) -> None:
        """Delete clients and all that says something of them. `counts`: the keyed hashes of tokens
        that they gave up stay for as long as these count, or the limits would not hold.
        """
        clients, works = list(over.members), list(over.works)
        named = {one for _, ids in self.names_of(clients).values() for one in ids}
        self._old.remove_asked(over.asked)
        workers = self._workers(works)
        for hub_id, raised in over.raised.items():
            self._old.remove_about(hub_id, raised)
        for hub_id, stubs in over.stubs.items():
            links = over.links.get(hub_id, {})
            self._old.remove_about(hub_id, links)
            self._run("DELETE FROM review WHERE hub_id = ? AND link_id IN (:among)", hub_id, links)
            if not counts:
                self._old.drop_tokens_of(hub_id, stubs)
            for table in OF_STUB:
                sql = f"DELETE FROM {table} WHERE hub_id = ? AND stub_id IN (:among)"  # noqa: S608
                self._run(sql, hub_id, stubs)
        for hub in self._tx.rows("SELECT hub_id FROM hub"):
            sql = "DELETE FROM stub_involvement WHERE hub_id = ? AND involvement IN (:among)"
            self._run(sql, hub["hub_id"], works)
        for table in OF_INVOLVEMENT:
            sql = f"DELETE FROM {table} WHERE involvement IN (:among)"  # noqa: S608 - our own
            self._tx.run_among(sql, among=works)
        self._tx.run_among("DELETE FROM involvement WHERE id IN (:among)", among=works)
        FoundBy(self._tx).remove(clients)
        for table, column in OF_CLIENT:
            sql = f"DELETE FROM {table} WHERE {column} IN (:among)"  # noqa: S608 - our own names
            self._tx.run_among(sql, among=clients)
        self._tx.run_among("DELETE FROM client WHERE id IN (:among)", among=clients)
        self._forget_names(named)
        self._drop_idle(workers)

    def _forget_names(self, local_ids: Collection[str]) -> None:
        """Delete what people did to clients of these local ids, and what a backup changed."""
        others = ", ".join(f"'{deed.value}'" for deed in (*NOT_OF_CLIENTS, *ABOUT_REQUESTS))
        sql = f"DELETE FROM act WHERE what NOT IN ({others}) AND subject IN (:among)"  # noqa: S608
        self._tx.run_among(sql, among=local_ids)
        merges = self._tx.rows("SELECT id, subject FROM act WHERE what = 'merged_client'")
        gone = [row["id"] for row in merges if _names(row["subject"], local_ids)]
        self._tx.run_among("DELETE FROM act WHERE id IN (:among)", among=gone)
        Resyncs(self._tx).forget_clients(local_ids)

    def _workers(self, works: Collection[int]) -> set[int]:
        """Those whom files put on these and who have done nothing here themselves."""
        sql = (
            "SELECT practitioner AS client FROM involvement_worker w WHERE import_id IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM act a WHERE a.person = w.practitioner) "
            "AND involvement IN (:among)"
        )
        return self._clients(sql, works)

    def _drop_idle(self, people: Collection[int]) -> None:
        """Delete those of these workers whom nothing here names any more."""
        named = " ".join(
            f"AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.{column} = practitioner.id)"  # noqa: S608
            for table, column in _NAMES_A_PERSON
        )
        sql = f"DELETE FROM practitioner WHERE kind = 'worker' {named} AND id IN (:among)"  # noqa: S608
        self._tx.run_among(sql, among=people)

    def _clients(self, sql: str, clients: Collection[int], *values: object) -> set[int]:
        return {int(row["client"]) for row in self._tx.rows_among(sql, *values, among=clients)}

    def _run(self, sql: str, hub_id: str, among: Collection[object]) -> None:
        self._tx.run_among(sql, hub_id, among=among)


def _asked(table: str, row: Row) -> Asked:
    return Asked(table, row["hub_id"], row["request_id"], bool(row["waits"]), bool(row["card"]))


def _subjects(over: Over) -> dict[str, dict[str, int]]:
    """What statements can be about, by hub: requests, checks, links and attention, each with its
    client.
    """
    found = {hub_id: dict(links) for hub_id, links in over.links.items()}
    for hub_id, raised in over.raised.items():
        found.setdefault(hub_id, {}).update(raised)
    for one, client in over.asked.items():
        found.setdefault(one.hub_id, {})[one.id] = client
    return found


def _names(subject: str, local_ids: Collection[str]) -> bool:
    """Whether an act of merging two names one of these: both ids stand in it, and a blank between
    them; an id may have blanks of its own.
    """
    words = subject.split(" ")
    return any(
        " ".join(words[:cut]) in local_ids or " ".join(words[cut:]) in local_ids
        for cut in range(1, len(words))
    )
