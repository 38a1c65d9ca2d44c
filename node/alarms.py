"""What a node has noticed of a hub and its log, kept on disk until it is dealt with.

specs/05-log.md §14. An alarm goes on until what it says is no longer so or, for proof, until a
person has acknowledged it. Nothing here judges; nothing in it names a person.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from node.store.alarms import AlarmRow
from node.store.tables import NodeTables


class Severity(IntEnum):
    """How bad, and the exit code of the commands that show it."""

    PROOF = 1
    MISSING = 3
    LOOK = 4


class AlarmCode(StrEnum):
    """Every alarm. Never renamed once released."""

    TWO_LOGS = "two_logs"
    ROLLED_BACK = "rolled_back"
    ROOT_DIFFERS = "root_differs"
    LEAF_REFUSED = "leaf_refused"
    PROGRAM_OLD = "program_old"
    NOT_IN_LOG = "not_in_log"
    PROMISE_BROKEN = "promise_broken"
    OWN_KEYS_DIFFER = "own_keys_differ"
    NO_QUORUM = "no_quorum"
    CHECKPOINT_STALE = "checkpoint_stale"
    CHECKPOINT_FUTURE = "checkpoint_future"
    BOOKS_DIFFER = "books_differ"
    STATEMENT_GAP = "statement_gap"
    STATEMENT_OVERDUE = "statement_overdue"
    SUCCESSOR_REFUSED = "successor_refused"
    SUCCESSOR = "successor"
    CHARTER_CHANGED = "charter_changed"
    MEMBER_CHANGED = "member_changed"
    KEYS_CHANGED = "keys_changed"
    DETAILS_CHANGED = "details_changed"
    CARD_UNWITNESSED = "card_unwitnessed"
    CARD_IN_NO_LOG = "card_in_no_log"
    CARD_CLOSED = "card_closed"
    SET_ASIDE = "set_aside"
    QUESTIONS_HELD = "questions_held"
    IDENTITY_UNSENT = "identity_unsent"
    BACKUP_RESTORED = "backup_restored"
    MAIL_DOWN = "mail_down"
    MAIL_REFUSED = "mail_refused"


@dataclass(frozen=True)
class AlarmText:
    """What an alarm says to a person, and what to do."""

    severity: Severity
    sentence: str
    what_to_do: str


FOR_THE_LEAD = frozenset({AlarmCode.QUESTIONS_HELD.value, AlarmCode.IDENTITY_UNSENT.value})
"""What the lead for information governance sees, and puts away, among the alerts."""
MOST_EVIDENCE = 16
DAY = 86_400
KEEP = "Keep everything and tell the auditor. Call the other agencies: do they see the same?"
CALL = "Call the council and ask whether it is meant."
_PROOF, _MISSING, _LOOK = Severity.PROOF, Severity.MISSING, Severity.LOOK

TEXTS: dict[AlarmCode, AlarmText] = {
    AlarmCode.TWO_LOGS: AlarmText(_PROOF, "The hub has shown two different logs.", KEEP),
    AlarmCode.ROLLED_BACK: AlarmText(_PROOF, "The log has become shorter.", KEEP),
    AlarmCode.ROOT_DIFFERS: AlarmText(
        _PROOF, "The log's entries do not give what the hub has signed.", KEEP
    ),
    AlarmCode.LEAF_REFUSED: AlarmText(
        _PROOF, "The log names a member, its keys or a charter against the rules.",
        KEEP,
    ),
    AlarmCode.PROGRAM_OLD: AlarmText(
        _LOOK, "The log holds something that this program does not know, and stops there.",
        "Install the newest version.",
    ),
    AlarmCode.NOT_IN_LOG: AlarmText(
        _PROOF, "A message of yours is not in the log where the hub said it was.", KEEP
    ),
    AlarmCode.PROMISE_BROKEN: AlarmText(
        _MISSING, "The hub promised to log a message of yours, and the log does not show it.", KEEP
    ),
    AlarmCode.OWN_KEYS_DIFFER: AlarmText(
        _PROOF, "The log holds other keys for your agency than this node has.",
        "If a backup was put back from before your keys were renewed, run patchwork-node "
        "rotate-keys with the recovery file. If not, your keys may be stolen: call the council, "
        "have the agency suspended.",
    ),
    AlarmCode.NO_QUORUM: AlarmText(
        _MISSING, "Too few witnesses have signed the log: contact details wait for them.",
        "Use the duty lines. Ask the council which witnesses are away.",
    ),
    AlarmCode.CHECKPOINT_STALE: AlarmText(
        _MISSING, "The witnesses have not signed for a quarter of an hour.",
        "Use the duty lines. Check your network, then ask the council.",
    ),
    AlarmCode.CHECKPOINT_FUTURE: AlarmText(
        _LOOK, "The witnesses' clocks are ahead of yours.", "Check this computer's clock first."
    ),
    AlarmCode.BOOKS_DIFFER: AlarmText(
        _PROOF, "The hub's daily statement about your agency is not what your own journal says.",
        "Somebody may be using your keys, or the hub hides something. Tell the auditor.",
    ),
    AlarmCode.STATEMENT_GAP: AlarmText(
        _PROOF, "The hub's daily statements about your agency leave something out.", KEEP
    ),
    AlarmCode.STATEMENT_OVERDUE: AlarmText(
        _MISSING, "The hub has sent no daily statement for two days.", CALL
    ),
    AlarmCode.SUCCESSOR_REFUSED: AlarmText(
        _PROOF, "The hub has begun a new log that does not follow from the old one.", KEEP
    ),
    AlarmCode.SUCCESSOR: AlarmText(
        _LOOK, "The hub has begun a new log in the place of the old one.", CALL
    ),
    AlarmCode.CHARTER_CHANGED: AlarmText(
        _LOOK, "There is a new version of the sharing agreement.",
        "Read it with patchwork-node charter show.",
    ),
    AlarmCode.MEMBER_CHANGED: AlarmText(
        _LOOK, "An organisation has joined, stopped or come back.", "Is it one you know?"
    ),
    AlarmCode.KEYS_CHANGED: AlarmText(
        _LOOK, "An organisation has new keys.", "Call it and ask whether it is meant."
    ),
    AlarmCode.DETAILS_CHANGED: AlarmText(
        _LOOK, "An organisation has another name or duty line.", "Is it meant? Write it down."
    ),
    AlarmCode.CARD_IN_NO_LOG: AlarmText(
        _LOOK, "The log was lost before witnesses had signed that a card left or came.",
        "Tell the auditor what you know of it: patchwork-node alerts.",
    ),
    AlarmCode.CARD_CLOSED: AlarmText(
        _LOOK, "A card came that this node did not open: something about it is not right.",
        "Use the duty line and ask again. Tell the auditor if it happens twice.",
    ),
    AlarmCode.CARD_UNWITNESSED: AlarmText(
        _LOOK, "A card left or came before witnesses had signed.",
        "Look at it with the other side: patchwork-node alerts.",
    ),
    AlarmCode.QUESTIONS_HELD: AlarmText(
        _LOOK, "An organisation's records would put more questions to your people than it may. "
        "None of them is put.",
        "Call it and the council, with your lead for information governance: see "
        "patchwork-node alerts.",
    ),
    AlarmCode.IDENTITY_UNSENT: AlarmText(
        _LOOK, "An organisation had the hub name yours for an identity check, and sent nothing to "
        "compare.",
        "Ask it why, with your lead for information governance: see patchwork-node alerts.",
    ),
    AlarmCode.BACKUP_RESTORED: AlarmText(
        _LOOK, "This node is older than what the hub knows of it: a backup was put back, or "
        "somebody else used its keys.",
        "Run patchwork-node resync, which says what was lost and what was done since.",
    ),
    AlarmCode.MAIL_DOWN: AlarmText(
        _LOOK, "Mail to your own people has not got through for an hour.",
        "Look at the mail server and at [mail] in node.toml. Nothing else waits for it.",
    ),
    AlarmCode.MAIL_REFUSED: AlarmText(
        _LOOK, "The mail server refuses the address of one of your people.",
        "Correct it with patchwork-node people mail, or where it is imported from.",
    ),
    AlarmCode.SET_ASIDE: AlarmText(
        _LOOK, "A fault of this program, or of the hub, kept something from being done. It is "
        "kept, to be tried again.",
        "Install the newest version, then run patchwork-node retry, which says what it was.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Alarm:
    """One alarm as it lies on disk; `place` is an index or an id, or empty."""

    id: int
    code: AlarmCode
    place: str
    first_seen: int
    last_seen: int

    @property
    def text(self) -> AlarmText:
        """What it says."""
        return TEXTS[self.code]


def raise_alarm(
    tables: NodeTables, hub_id: str, code: AlarmCode, now: int, *, place: str = ""
) -> bool:
    """Note that something is so at `now`; whether that is news. What was acknowledged is not."""
    return tables.alarms.seen(hub_id, code.value, place, now)


def clear_alarm(
    tables: NodeTables, hub_id: str, code: AlarmCode, now: int, *, place: str = ""
) -> None:
    """Note that it is no longer so. Proof stays: only a person puts it away."""
    clear_alarms(tables, hub_id, code, now, places=[place])


def clear_alarms(
    tables: NodeTables, hub_id: str, code: AlarmCode, now: int, *, places: Collection[str]
) -> None:
    """The same at many places."""
    if TEXTS[code].severity is not Severity.PROOF:
        tables.alarms.clear(hub_id, code.value, places, now)


def open_alarms(tables: NodeTables, hub_id: str) -> list[Alarm]:
    """What is so, the worst first, then the oldest. Of what is missing no acknowledgement helps:
    it goes when it is over.
    """
    alarms = [
        _alarm(row)
        for row in tables.alarms.open(hub_id)
        if not row.acknowledged or TEXTS[AlarmCode(row.code)].severity is Severity.MISSING
    ]
    return sorted(alarms, key=lambda item: (item.text.severity, item.first_seen, item.id))


def untold(tables: NodeTables, hub_id: str) -> list[Alarm]:
    """Alarms of which nobody outside this database knows yet, whoever raised them."""
    return [_alarm(row) for row in tables.alarms.untold(hub_id)]


def mark_told(tables: NodeTables, hub_id: str, alarm: Alarm) -> None:
    """Somebody was told of an alarm."""
    tables.alarms.told(hub_id, alarm.id)


def acknowledge(tables: NodeTables, hub_id: str, alarm_id: int, now: int) -> bool:
    """A person has dealt with an alarm; whether there was such an alarm."""
    return tables.alarms.acknowledge(hub_id, alarm_id, now)


def keep_evidence(tables: NodeTables, hub_id: str, held: bytes, served: bytes, now: int) -> str:
    """Keep two notes that contradict each other, verbatim, for ever; what to call them.

    A few are proof enough: a hub that goes on does not fill the disk. What is not kept any more is
    called by its day, so that it is told once a day.
    """
    digest = hashlib.sha256(held + served).hexdigest()
    kept = tables.alarms.evidence(hub_id)
    if digest not in kept and len(kept) >= MOST_EVIDENCE:
        return f"day {now // DAY}"
    tables.alarms.keep_evidence(hub_id, digest, (held, served), now)
    return digest


def _alarm(row: AlarmRow) -> Alarm:
    return Alarm(row.id, AlarmCode(row.code), row.place, row.first_seen, row.last_seen)
