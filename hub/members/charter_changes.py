"""Changing the charter while the hub serves: specs/02-charter.md §7.

The operator's command puts a proposal into the database; the running hub writes it into the log
and marks what has to be matched anew. A proposal is checked twice: a second one, or a log that has
moved on, must not make a charter that does not follow. Not trusted with the agencies' consent:
each of them decides by itself whether it is bound.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import structlog

from hub.log.ledger import Ledger
from hub.policies.packs import check_policy
from hub.store.tables import HubTables
from protocol import canonical
from protocol.canonical import JsonValue
from protocol.dsse import DOCUMENT_LIMIT
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.witness_rules import witness_faults
from protocol.messages.bodies import CharterBody

log = structlog.get_logger()

PROPOSAL = "charter_proposal"
ITEM_KEYS = ("id", "code", "field", "name")

# What the log's own continuity rests on. Each is refused with its sentence.
FIXED = {
    "charter_id": "the federation's id never changes",
    "log": "a log with another name or key is another log",
    "token_key": "a new token key needs a key ceremony, which this release cannot log",
}


def read_change(path: Path) -> Mapping[str, JsonValue]:
    """A change as the operator wrote it, in TOML or JSON. Raises LocalError or RemoteError."""
    if path.stat().st_size > DOCUMENT_LIMIT:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} is over {DOCUMENT_LIMIT} bytes")
    data = path.read_bytes()
    if path.suffix == ".json":
        value = canonical.parse_loose(data, limit=DOCUMENT_LIMIT)
    else:
        try:
            value = tomllib.loads(data.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LocalError(ErrorCode.BAD_FILE, f"{path.name} is not TOML: {error}") from None
    if not isinstance(value, Mapping) or not value:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} does not hold parts of a charter")
    return value


def proposed(held: Charter, change: Mapping[str, JsonValue]) -> Charter:
    """The next charter: a whole document as it stands, or the parts of one put into `held`.

    Raises LocalError with the sentence for the operator, RemoteError for a document that is none.
    """
    old: dict[str, Any] = held.model_dump(mode="json")
    for name in ("version", "predecessor"):
        if change.get(name, old[name]) != old[name]:
            raise LocalError(
                ErrorCode.CONFLICT,
                f"this was written for another charter than version {held.version}, "
                "which is in force; start again from it",
            )
    value = dict(change) if change.keys() >= old.keys() else cast("Any", _merged(old, change))
    for name, why in FIXED.items():
        if value.get(name) != old[name]:
            raise LocalError(ErrorCode.NOT_ALLOWED, f"{name} cannot be changed: {why}")
    if canonical.encode(value) == held.encode():
        raise LocalError(ErrorCode.CONFLICT, "this changes nothing")
    value |= {"version": held.version + 1, "predecessor": held.document_hash}
    new = parse_charter(canonical.encode(value))
    if new.hub.sign != held.hub.sign:
        raise LocalError(ErrorCode.NOT_ALLOWED, "the hub's key cannot be changed in this release")
    check_policy(new.policy)
    check_witnesses(new)
    return new


def check_witnesses(charter: Charter) -> None:
    """Refuse too few witnesses, too near ones, or too low a quorum. Raises LocalError."""
    faults = witness_faults(charter)
    if faults:
        raise LocalError(ErrorCode.NOT_ALLOWED, "; ".join(faults))


def put_forward(tables: HubTables, new: Charter) -> None:
    """Leave a proposal for the running hub; it takes the place of one that still waits."""
    tables.keep_charter_document(new.document_hash, new.encode())
    tables.tx.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", PROPOSAL, new.document_hash)


def waiting(tables: HubTables) -> Charter | None:
    """The proposal that the running hub has not written yet."""
    row = tables.tx.one("SELECT value FROM meta WHERE key = ?", PROPOSAL)
    document = tables.charter_document(row["value"]) if row else None
    return parse_charter(document) if document is not None else None


def adopt(tables: HubTables, ledger: Ledger) -> Charter | None:
    """Put the waiting proposal in force: log it, and mark what has to be matched anew.

    Answers the new charter. One that does not follow the charter in force is dropped.
    """
    new, old = waiting(tables), ledger.charter
    tables.tx.run("DELETE FROM meta WHERE key = ?", PROPOSAL)
    if new is None or (new.version, new.predecessor) != (old.version + 1, old.document_hash):
        log.warning("charter_proposal_dropped")
        return None
    body = CharterBody(
        version=new.version,
        predecessor=new.predecessor,
        document_hash=new.document_hash,
        document_length=len(new.encode()),
    )
    statement, logged = ledger.issue(tables, body, old.charter_id)
    if new.match_policy != old.match_policy:
        tables.stubs.mark_everybody()
    elif new.involvement_types != old.involvement_types:
        tables.links.mark_linked()
    ledger.learn(tables, logged, statement.envelope.encode())
    return new


def mark_agency(tables: HubTables, agency: str) -> None:
    """Have the next rounds look at all of an agency's stubs: it is bound by another charter now."""
    tables.stubs.mark_agency(agency)


def check_follows(held: Charter, new: Charter) -> None:
    """Refuse a proposal that no longer follows. Raises RemoteError(CONFLICT)."""
    if (new.version, new.predecessor) != (held.version + 1, held.document_hash):
        raise RemoteError(ErrorCode.CONFLICT, "another charter came into force meanwhile")


def _merged(old: JsonValue, change: JsonValue) -> JsonValue:
    """Objects field by field, lists of named things by their name; anything else is replaced."""
    if isinstance(old, Mapping) and isinstance(change, Mapping):
        return {**old, **{name: _merged(old.get(name), item) for name, item in change.items()}}
    if isinstance(old, list) and isinstance(change, list):
        key = _item_key([*old, *change])
        if key is not None:
            held = {item[key]: item for item in old}
            held |= {item[key]: _merged(held.get(item[key]), item) for item in change}
            return list(held.values())
    return change


def _item_key(items: list[Any]) -> str | None:
    """The field that names each of these things, if they are things with a name."""
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    named = [key for key in ITEM_KEYS if all(isinstance(item.get(key), str) for item in items)]
    return named[0] if named else None
