"""The register of this agency's own people: workers as imported, managers, duty workers.

Whoever acts is one of them; an id is never given to another. It holds people in the clear.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from storage.engine import Row, Transaction


class PersonKind(StrEnum):
    """What somebody is to the agency."""

    WORKER = "worker"
    MANAGER = "manager"
    DUTY_WORKER = "duty_worker"
    GOVERNANCE_LEAD = "governance_lead"
    ADMINISTRATOR = "administrator"


class Deed(StrEnum):
    """What a person does here that no statement names them for."""

    WITHDREW = "withdrew"
    SAW_ALERTS = "saw_alerts"
    ACKNOWLEDGED = "acknowledged"
    SIGNED_CHARTER = "signed_charter"
    CHANGED_DETAILS = "changed_details"
    DISCLOSED = "disclosed"
    PASSED_ON = "passed_on"
    RECALLED_CARD = "recalled_card"
    KEPT_CARD = "kept_card"
    RECORDED_CONSENT = "recorded_consent"
    RECORDED_OBJECTION = "recorded_objection"
    ENDED_OBJECTION = "ended_objection"
    SAID_SAME_CLIENT = "said_same_client"
    SAID_ANOTHER_CLIENT = "said_another_client"
    ADDED_CLIENT = "added_client"
    CORRECTED_CLIENT = "corrected_client"
    CLOSED_WORK = "closed_work"
    REOPENED_WORK = "reopened_work"
    MERGED_CLIENT = "merged_client"
    PARTED_CLIENT = "parted_client"
    CONFIRMED_WORK = "confirmed_work"
    PROPOSED_WITHHOLDING = "proposed_withholding"
    WITHHELD_CLIENT = "withheld_client"
    ENDED_WITHHOLDING = "ended_withholding"
    ENQUIRED = "enquired"
    CLOSED_ENQUIRY = "closed_enquiry"
    RAISED_ATTENTION = "raised_attention"
    SAW_ATTENTION = "saw_attention"
    ASKED_TO_INVITE = "asked_to_invite"
    TOOK_ON = "took_on"
    HANDED_OVER = "handed_over"
    APPOINTED = "appointed"
    LET_GO = "let_go"
    SAID_AWAY = "said_away"
    SAID_BACK = "said_back"
    MADE_BACKUP = "made_backup"
    CHANGED_RULE = "changed_rule"
    IMPORTED = "imported"


@dataclass(frozen=True, repr=False)
class Person:
    """One of our own people, known by name and team; an empty team is none.

    `since` None: imported before there was a register. `role`, `phone`, `email` and `cover` (who
    covers for them) are a worker's, as imported: they stand on contact cards. How they hear by mail
    that there is news is `mail_wish` (None: as usual here), `mail_to` is where, if not at `email`;
    `mail_refused` is an address that a mail server refused.
    """

    id: int
    name: str
    team: str
    role: str | None
    phone: str | None
    email: str | None
    cover: str | None
    kind: PersonKind
    since: int | None
    closed_at: int | None
    mail_wish: str | None
    mail_to: str | None
    mail_refused: str | None

    @property
    def title(self) -> str:
        """The name, with the team where there is one."""
        return f"{self.name} ({self.team})" if self.team else self.name

    @property
    def is_active(self) -> bool:
        """Whether they may act."""
        return self.closed_at is None

    @property
    def mail_address(self) -> str | None:
        """Where mail goes, if anywhere: not where it was refused."""
        address = self.mail_to or self.email
        return address if address != self.mail_refused else None

    def __repr__(self) -> str:
        """Say which row, never who."""
        return f"Person(id={self.id})"


@dataclass(frozen=True, repr=False)
class WorkerRow:
    """What an import says of a worker."""

    name: str
    team: str
    role: str | None
    phone: str | None
    email: str | None
    cover: str | None = None

    def __repr__(self) -> str:
        """Say nothing."""
        return "WorkerRow(hidden)"


@dataclass(frozen=True, repr=False)
class Act:
    """What one of our people (a row's id) did: to which client (its own id), how many alerts, which
    alarm, which version of the charter, to whom of ours, which backup, which rule.
    """

    person: int
    what: Deed
    subject: str
    at: int

    def __repr__(self) -> str:
        """Say what, never to whom."""
        return f"Act({self.what.value})"


class People:
    """The people of this agency within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put_workers(self, rows: Sequence[WorkerRow], now: int) -> dict[tuple[str, str], int]:
        """Take workers in, or let those of the same name and team say what these rows say; whoever
        was closed stays so. Answers row ids by name and team.
        """
        self._tx.put_many("practitioner", [dict(vars(row)) for row in rows], ("name", "team"))
        if rows:
            self._tx.run("UPDATE practitioner SET since = ? WHERE since IS NULL", now)
        sql = "SELECT id, name, team FROM practitioner WHERE name IN (:among)"
        found = self._tx.rows_among(sql, among=[row.name for row in rows])
        ids = {(row["name"], row["team"]): int(row["id"]) for row in found}
        return {key: ids[key] for key in ((row.name, row.team) for row in rows)}

    def workers(self, names: Collection[str]) -> dict[tuple[str, str], tuple[int, WorkerRow]]:
        """Whoever has these names: their row ids, and what an import would say of them, by name and
        team.
        """
        sql = "SELECT * FROM practitioner WHERE since IS NOT NULL AND name IN (:among)"
        columns = [field.name for field in fields(WorkerRow)]
        return {
            (row["name"], row["team"]): (
                int(row["id"]),
                WorkerRow(**{column: row[column] for column in columns}),
            )
            for row in self._tx.rows_among(sql, among=names)
        }

    def get(self, person: int) -> Person | None:
        """A person by row id."""
        row = self._tx.one("SELECT * FROM practitioner WHERE id = ?", person)
        return _person(row) if row else None

    def working_on(self, involvement: int | None) -> list[Person]:
        """Who of ours works on an involvement (a row's id), the first to call first; nobody who is
        closed: they left.
        """
        rows = self._tx.rows(
            "SELECT p.* FROM practitioner p JOIN involvement_worker w ON w.practitioner = p.id "
            "WHERE w.involvement = ? AND p.closed_at IS NULL ORDER BY w.ordinal, p.id",
            involvement,
        )
        return [_person(row) for row in rows]

    def teams_on(self, involvement: int | None) -> list[str]:
        """The teams of all who work or worked on an involvement, whoever has left among them."""
        rows = self._tx.rows(
            "SELECT DISTINCT p.team FROM practitioner p "
            "JOIN involvement_worker w ON w.practitioner = p.id WHERE w.involvement = ?",
            involvement,
        )
        return sorted(row["team"] for row in rows)

    def who_work_with(self, clients: Collection[int], now: int) -> dict[int, list[int]]:
        """Who of ours works on what goes on with each of these clients (row ids), where anybody
        does; nobody who is closed.
        """
        sql = (
            "SELECT DISTINCT i.client, w.practitioner FROM involvement i "
            "JOIN involvement_worker w ON w.involvement = i.id "
            "JOIN practitioner p ON p.id = w.practitioner "
            "WHERE (i.ended_at IS NULL OR i.ended_at > ?) AND p.closed_at IS NULL "
            "AND i.client IN (:among)"
        )
        found: dict[int, list[int]] = {}
        for row in self._tx.rows_among(sql, now, among=clients):
            found.setdefault(int(row["client"]), []).append(int(row["practitioner"]))
        return found

    def called(self, name: str) -> list[Person]:
        """Everybody of this name, in whatever team, or of this name and team as `title` says it;
        those who are closed too, by row id.
        """
        sql = (
            "SELECT * FROM practitioner WHERE name = ? "
            "OR (team <> '' AND name || ' (' || team || ')' = ?) ORDER BY id"
        )
        return [_person(row) for row in self._tx.rows(sql, name, name)]

    def all(self) -> list[Person]:
        """Everybody, by name and team."""
        rows = self._tx.rows("SELECT * FROM practitioner ORDER BY name, team")
        return [_person(row) for row in rows]

    def register(self, name: str, team: str, kind: PersonKind, since: int | None) -> Person:
        """Let somebody of this name and team act, from `since` on; who it is."""
        row = {"name": name, "team": team, "kind": kind.value, "since": since, "closed_at": None}
        self._tx.put("practitioner", row, ("name", "team"))
        sql = "SELECT * FROM practitioner WHERE name = ? AND team = ?"
        (made,) = self._tx.rows(sql, name, team)
        return _person(made)

    def close(self, person: int, now: int) -> None:
        """Let somebody act no longer."""
        self._tx.update("practitioner", {"closed_at": now}, {"id": person})

    def set_mail(self, person: int, wish: str, to: str | None) -> None:
        """How and where somebody wants mail; what was refused is tried anew."""
        values = {"mail_wish": wish, "mail_to": to, "mail_refused": None}
        self._tx.update("practitioner", values, {"id": person})

    def refuse_mail(self, person: int, address: str) -> None:
        """A mail server refused this address of somebody for good."""
        self._tx.update("practitioner", {"mail_refused": address}, {"id": person})

    def hand_over(self, person: int, to: int, now: int) -> int:
        """Let somebody else work on what goes on and somebody worked on, in their place; how much.
        Who works on it already stays where they are. No file undoes it.
        """
        going_on = (
            "practitioner = ? AND involvement IN "
            "(SELECT id FROM involvement WHERE ended_at IS NULL OR ended_at > ?)"
        )
        sql = f"SELECT COUNT(*) AS n FROM involvement_worker WHERE {going_on}"  # noqa: S608 - ours
        row = self._tx.one(sql, person, now)
        self._tx.run(
            f"UPDATE involvement_worker SET practitioner = ?, import_id = NULL WHERE {going_on} "  # noqa: S608
            "AND involvement NOT IN "
            "(SELECT involvement FROM involvement_worker WHERE practitioner = ?)",
            to, person, now, to,
        )  # fmt: skip
        self._tx.run(f"DELETE FROM involvement_worker WHERE {going_on}", person, now)  # noqa: S608
        return int(row["n"]) if row else 0

    def put_on(self, involvements: Collection[int], person: int) -> None:
        """Let somebody work on these, the last to call first. No file undoes it."""
        sql = (
            "INSERT INTO involvement_worker (involvement, practitioner, ordinal, import_id) "
            "SELECT i.id, ?, COALESCE((SELECT MAX(w.ordinal) + 1 FROM involvement_worker w "
            "WHERE w.involvement = i.id), 0), NULL FROM involvement i WHERE i.id IN (:among)"
        )
        self._tx.run_among(sql, person, among=involvements)

    def put_in_place(self, involvements: Collection[int], person: int, to: int) -> None:
        """Let somebody else work on these in a person's place, or stay where they are if they do
        already. No file undoes it.
        """
        sql = (
            "UPDATE involvement_worker SET practitioner = ?, import_id = NULL "
            "WHERE practitioner = ? AND involvement NOT IN "
            "(SELECT involvement FROM involvement_worker WHERE practitioner = ?) "
            "AND involvement IN (:among)"
        )
        self._tx.run_among(sql, to, person, to, among=involvements)
        sql = "DELETE FROM involvement_worker WHERE practitioner = ? AND involvement IN (:among)"
        self._tx.run_among(sql, person, among=involvements)

    def without_worker(self, person: int, now: int) -> int:
        """On how much that goes on somebody works and nobody else who is here."""
        row = self._tx.one(
            "SELECT COUNT(*) AS n FROM involvement_worker w JOIN involvement i "
            "ON i.id = w.involvement WHERE w.practitioner = ? "
            "AND (i.ended_at IS NULL OR i.ended_at > ?) AND NOT EXISTS (SELECT 1 "
            "FROM involvement_worker o JOIN practitioner p ON p.id = o.practitioner "
            "WHERE o.involvement = i.id AND p.id <> w.practitioner AND p.closed_at IS NULL)",
            person, now,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def id_at(self, hub_id: str, person: int, fresh_id: str) -> str:
        """A person's opaque id at a hub; `fresh_id` becomes it the first time."""
        row = self._tx.one(
            "SELECT practitioner_id FROM hub_practitioner WHERE hub_id = ? AND practitioner = ?",
            hub_id, person,
        )  # fmt: skip
        if row is not None:
            return str(row["practitioner_id"])
        keys = {"hub_id": hub_id, "practitioner": person}
        self._tx.insert("hub_practitioner", {**keys, "practitioner_id": fresh_id})
        return fresh_id

    def by_id_at(self, hub_id: str, opaque: str) -> Person | None:
        """Whose opaque id at a hub that is."""
        row = self._tx.one(
            "SELECT p.* FROM practitioner p JOIN hub_practitioner h ON h.practitioner = p.id "
            "WHERE h.hub_id = ? AND h.practitioner_id = ?",
            hub_id, opaque,
        )  # fmt: skip
        return _person(row) if row else None

    def acted(self, act: Act) -> None:
        """Write down what somebody did."""
        row = {**vars(act), "what": act.what.value}
        self._tx.insert("act", row)

    def acts(self) -> list[Act]:
        """What was done, the newest first."""
        rows = self._tx.rows("SELECT person, what, subject, at FROM act ORDER BY id DESC")
        return [Act(**{**row, "what": Deed(row["what"])}) for row in rows]

    def acts_before(self, before: int, most: int) -> list[tuple[int, Act]]:
        """The newest acts before one (its row's id), each with its own."""
        sql = "SELECT id, person, what, subject, at FROM act WHERE id < ? ORDER BY id DESC LIMIT ?"
        return [
            (row["id"], Act(row["person"], Deed(row["what"]), row["subject"], row["at"]))
            for row in self._tx.rows(sql, before, most)
        ]


def _person(row: Row) -> Person:
    return Person(**{**row, "kind": PersonKind(row["kind"])})
