"""What is old: requests and identity checks that are over, news, and tokens that were given up.

specs/09-imports.md §14. Counted and deleted by the same condition, some at a time, by index.
Nothing here decides.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from node.store.people import Deed
from protocol.errors import PatchworkError
from protocol.messages.statement import parse_statement
from storage.engine import Transaction

NOT_OF_CLIENTS = (
    Deed.SAW_ALERTS, Deed.ACKNOWLEDGED, Deed.SIGNED_CHARTER, Deed.CHANGED_DETAILS,
    Deed.ASKED_TO_INVITE, Deed.APPOINTED, Deed.LET_GO, Deed.SAID_AWAY, Deed.SAID_BACK,
    Deed.MADE_BACKUP, Deed.CHANGED_RULE, Deed.IMPORTED,
)  # fmt: skip
ABOUT_REQUESTS = (Deed.DISCLOSED, Deed.RECALLED_CARD, Deed.KEPT_CARD, Deed.PASSED_ON)
"""Deeds whose subject is a request; of all that are in neither, it is the client's own id."""
REQUESTS = ("sent_request", "received_request")
_KEYS = {
    "sent_request": "request_id", "received_request": "request_id", "sent_check": "check_id",
    "received_check": "check_id",
}  # fmt: skip
_SETTLED = ("logged", "missing", "failed")


class Kind(StrEnum):
    """What goes, by kind."""

    CLIENTS = "clients"
    WITHDREW = "withdrew"
    REQUESTS = "requests"
    DRAFTS = "drafts"
    CHECKS = "checks"
    ACTS = "acts"
    ABSENCES = "absences"
    ALARMS = "alarms"
    ALERTS = "alerts"
    NEWS = "news"
    ATTENTION = "attention"
    STATEMENTS = "statements"
    SET_ASIDE = "set_aside"
    DOUBTS = "doubts"
    HASHES = "hashes"
    LISTS = "lists"
    ENQUIRIES = "enquiries"


@dataclass(frozen=True)
class Asked:
    """A request or an identity check (of whichever table); whether it is still under way, and
    whether there is a card of it, here or at the other agency.
    """

    table: str
    hub_id: str
    id: str
    waits: bool = field(default=False, compare=False)
    card: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Old:
    """Rows of a table that are old: by which key they are deleted, and which they are."""

    kind: Kind
    table: str
    key: str
    where: str
    values: tuple[object, ...]


def old_asked(hub_id: str, before: int, kept_since: int) -> list[Old]:
    """Requests and checks at a hub that were over before a time, with the cards of them; of a card
    from before cards said so, that left before `kept_since`.
    """
    nothing_on_its_way = (
        "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.hub_id = t.hub_id AND o.subject = t.{} "
        "AND o.state IN ('pending', 'sent'))"
    )
    seen = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} n WHERE n.hub_id = t.hub_id "  # noqa: S608 - our own
        "AND n.request_id = t.request_id AND n.seen_at IS NULL)"
        for table in ("governance_notice", "unwitnessed_card")
    )
    over = "t.hub_id = ? AND t.expires <= ?"
    sent = "t.card IS NULL AND (t.wiped IS NULL OR t.wiped = 1)"
    received = (
        "COALESCE(t.gone_at, t.keep_until, 0) <= ? AND (t.state NOT IN ('released', 'opened') "
        "OR t.keep_until IS NOT NULL OR t.received_at <= ?)"
    )
    request, check = (nothing_on_its_way.format(f"{one}_id") for one in ("request", "check"))
    times = (hub_id, before)
    return [
        Old(Kind.REQUESTS, "sent_request", "request_id",
            f"{over} AND {sent} AND {request} AND {seen}", times),
        Old(Kind.REQUESTS, "received_request", "request_id",
            f"{over} AND {received} AND {request} AND {seen}", (*times, before, kept_since)),
        Old(Kind.DRAFTS, "request_draft", "id", "t.hub_id = ? AND t.saved_at <= ?", times),
        Old(Kind.CHECKS, "sent_check", "check_id", f"{over} AND {check}", times),
        Old(Kind.CHECKS, "received_check", "check_id", f"{over} AND {check}", times),
        Old(Kind.CHECKS, "introduced", "hub_id, statement_id",
            "t.hub_id = ? AND t.received_at <= ?", times),
    ]  # fmt: skip


def old_news(hub_id: str, before: int) -> list[Old]:
    """News of a hub from before a time: alarms that are over or were put away, alerts that were
    seen, lines of people's news, and what was set aside.
    """
    times = (hub_id, before)
    alert, raised = (
        "t.hub_id = ? AND t.seen_at <= ? AND t.told_at <= ?",
        "t.hub_id = ? AND t.raised_at <= ?",
    )
    return [
        Old(Kind.ALARMS, "alarm", "id", "t.hub_id = ? AND t.last_seen <= ? "
            "AND (t.cleared_at <= ? OR t.acknowledged_at <= ?)", (*times, before, before)),
        Old(Kind.ALERTS, "governance_notice", "hub_id, request_id", alert, (*times, before)),
        Old(Kind.ALERTS, "unwitnessed_card", "hub_id, request_id", alert, (*times, before)),
        Old(Kind.NEWS, "news", "id", "t.hub_id = ? AND t.at <= ?", times),
        Old(Kind.ATTENTION, "received_attention", "id", raised, times),
        Old(Kind.ATTENTION, "sent_attention", "hub_id, attention_id",
            f"{raised} AND t.state <> 'sending'", times),
        Old(Kind.SET_ASIDE, "set_aside", "id", "t.hub_id = ? AND t.first_seen <= ?", times),
    ]  # fmt: skip


def old_acts(before: int) -> Old:
    """What was done in whose name before a time."""
    return Old(Kind.ACTS, "act", "id", "t.at <= ?", (before,))


def old_absences(before: int) -> Old:
    """Who was away until a time."""
    return Old(Kind.ABSENCES, "absence", "id", "t.ends_at <= ?", (before,))


def old_doubts(before: int) -> Old:
    """Doubts about files that a person looked at before a time."""
    return Old(Kind.DOUBTS, "agreed_doubt", "doubt", "t.agreed_at <= ?", (before,))


class OldRows:
    """Old rows within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def count(self, old: Old) -> int:
        """How many there are."""
        sql = f"SELECT COUNT(*) AS n FROM {old.table} t WHERE {old.where}"  # noqa: S608 - our own
        row = self._tx.one(sql, *old.values)
        return int(row["n"]) if row else 0

    def remove(self, old: Old, most: int) -> int:
        """Delete some; how many. Of requests and checks what belongs to them too."""
        if old.table in _KEYS:
            found = self._asked(old, most)
            self.remove_asked(found)
            return len(found)
        return self._tx.run(
            f"DELETE FROM {old.table} WHERE ({old.key}) IN "  # noqa: S608 - our own names
            f"(SELECT {old.key} FROM {old.table} t WHERE {old.where} LIMIT ?)",
            *old.values, most,
        )  # fmt: skip

    def _asked(self, old: Old, most: int) -> list[Asked]:
        sql = f"SELECT hub_id, {old.key} AS id FROM {old.table} t WHERE {old.where} LIMIT ?"  # noqa: S608
        rows = self._tx.rows(sql, *old.values, most)
        return [Asked(old.table, row["hub_id"], row["id"]) for row in rows]

    def remove_asked(self, asked: Iterable[Asked]) -> None:
        """Delete requests and checks, and what was sent, told, done and set aside of them."""
        by_table: dict[tuple[str, str], list[str]] = {}
        for one in asked:
            by_table.setdefault((one.table, one.hub_id), []).append(one.id)
        deeds = ", ".join(f"'{deed.value}'" for deed in ABOUT_REQUESTS)
        for (table, hub_id), ids in by_table.items():
            sql = f"DELETE FROM {table} WHERE hub_id = ? AND {_KEYS[table]} IN (:among)"  # noqa: S608
            self._tx.run_among(sql, hub_id, among=ids)
            self.remove_about(hub_id, ids)
            if table in REQUESTS:
                sql = f"DELETE FROM act WHERE what IN ({deeds}) AND subject IN (:among)"  # noqa: S608
                self._tx.run_among(sql, among=ids)
                for alerts in ("governance_notice", "unwitnessed_card"):
                    sql = f"DELETE FROM {alerts} WHERE hub_id = ? AND request_id IN (:among)"  # noqa: S608
                    self._tx.run_among(sql, hub_id, among=ids)

    def remove_about(self, hub_id: str, subjects: Collection[str]) -> None:
        """Delete what we said of requests, checks or links, and what was set aside of them."""
        sql = "DELETE FROM outbox WHERE hub_id = ? AND subject IN (:among)"
        self._tx.run_among(sql, hub_id, among=subjects)
        sql = (
            "DELETE FROM set_aside WHERE hub_id = ? AND what IN ('card', 'check') "
            "AND item IN (:among)"
        )
        self._tx.run_among(sql, hub_id, among=subjects)

    def unsettled(self, hub_id: str, subjects: Collection[str]) -> set[str]:
        """Of requests, checks and links those of which a statement is on its way."""
        sql = (
            "SELECT subject FROM outbox WHERE hub_id = ? AND state IN ('pending', 'sent') "
            "AND subject IN (:among)"
        )
        return {str(row["subject"]) for row in self._tx.rows_among(sql, hub_id, among=subjects)}

    def unseen(self, asked: Iterable[Asked]) -> set[Asked]:
        """Requests of which the lead has not seen an alert."""
        wanted = [one for one in asked if one.table in REQUESTS]
        found = set()
        for hub_id in {one.hub_id for one in wanted}:
            there = {one.id: one for one in wanted if one.hub_id == hub_id}
            for table in ("governance_notice", "unwitnessed_card"):
                sql = (
                    f"SELECT request_id FROM {table} WHERE hub_id = ? "  # noqa: S608 - our own
                    "AND seen_at IS NULL AND request_id IN (:among)"
                )
                rows = self._tx.rows_among(sql, hub_id, among=there)
                found |= {there[row["request_id"]] for row in rows}
        return found

    def old_statements(self, hub_id: str, before: int, after: int, most: int) -> list[int]:
        """The next of our statements after a number that are settled, were signed before a time and
        are about no request or check that is here.
        """
        here = " ".join(
            f"AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.hub_id = o.hub_id "  # noqa: S608
            f"AND t.{key} = o.subject)"
            for table, key in _KEYS.items()
        )
        rows = self._tx.rows(
            f"SELECT id, envelope FROM outbox o WHERE hub_id = ? AND id > ? "  # noqa: S608 - our own
            f"AND state IN (?, ?, ?) {here} ORDER BY id LIMIT ?",
            hub_id, after, *_SETTLED, most,
        )  # fmt: skip
        found = []
        for row in rows:
            if _signed_at(row["envelope"]) > before:
                break  # numbers rise with time
            found.append(int(row["id"]))
        return found

    def remove_statements(self, numbers: Collection[int]) -> None:
        """Delete statements of ours."""
        self._tx.run_among("DELETE FROM outbox WHERE id IN (:among)", among=numbers)

    def drop_tokens_of(self, hub_id: str, stubs: Collection[str]) -> None:
        """Delete what stubs gave up, and their tokens, where no other stub has or had them."""
        digests = set[bytes]()
        for table in ("former_token", "published_token"):
            sql = f"SELECT input_digest FROM {table} WHERE hub_id = ? AND stub_id IN (:among)"  # noqa: S608
            rows = self._tx.rows_among(sql, hub_id, among=stubs)
            digests |= {bytes(row["input_digest"]) for row in rows}
            sql = f"DELETE FROM {table} WHERE hub_id = ? AND stub_id IN (:among)"  # noqa: S608
            self._tx.run_among(sql, hub_id, among=stubs)
        self._drop(hub_id, digests)

    def drop_former(self, hub_id: str, now: int, most: int) -> int:
        """Delete some of what was given up and does not count any more, and these tokens, where no
        stub has or had them; how many.
        """
        rows = self._tx.rows(
            "DELETE FROM former_token WHERE (hub_id, input_digest, stub_id) IN "
            "(SELECT hub_id, input_digest, stub_id FROM former_token "
            "WHERE hub_id = ? AND until <= ? LIMIT ?) RETURNING input_digest",
            hub_id, now, most,
        )  # fmt: skip
        self._drop(hub_id, {bytes(row["input_digest"]) for row in rows})
        return len(rows)

    def _drop(self, hub_id: str, digests: Collection[bytes]) -> None:
        """Delete tokens that no stub has or had lately."""
        self._tx.run_among(
            "DELETE FROM token_cache WHERE hub_id = ? "
            "AND NOT EXISTS (SELECT 1 FROM published_token p "
            "WHERE p.input_digest = token_cache.input_digest AND p.hub_id = token_cache.hub_id) "
            "AND NOT EXISTS (SELECT 1 FROM former_token f "
            "WHERE f.hub_id = token_cache.hub_id AND f.input_digest = token_cache.input_digest) "
            "AND input_digest IN (:among)",
            hub_id, among=digests,
        )  # fmt: skip


def _signed_at(envelope: bytes | None) -> int:
    """When a statement was signed; one that never was is as old as those beside it."""
    if envelope is None:
        return 0
    try:
        return parse_statement(bytes(envelope)).preamble.iat
    except PatchworkError:
        return 0
