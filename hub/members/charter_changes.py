"""Changing the charter while the hub serves: specs/02-charter.md §7.

The operator's command puts a proposal into the database; the running hub writes it into the log
and marks what has to be matched anew. A proposal is checked twice: a second one, or a log that has
moved on, must not make a charter that does not follow. Not trusted with the agencies' consent:
each of them decides by itself whether it is bound.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from hub.log.ledger import Ledger
from hub.policies.packs import check_policy
from hub.store.tables import HubTables
from protocol import canonical
from protocol.canonical import JsonValue
from protocol.dsse import DOCUMENT_LIMIT
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.acceptance import unaccepted
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.directory import Directory
from protocol.governance.witness_rules import witness_faults
from protocol.messages.bodies import CharterBody
from runtime.written import Place, fault_of, read_toml

ITEM_KEYS = ("id", "code", "field", "name")

# What the log's own continuity rests on. Each is refused with its sentence.
FIXED = {
    "charter_id": "the federation's id never changes",
    "log": "a log with another name or key is another log",
    "token_key": "a new token key needs a key ceremony, which this release cannot log",
}


@dataclass(frozen=True)
class CharterStatus:
    """The charter in force, who is who under it, and a change that waits to be written."""

    directory: Directory
    change: Charter | None


@dataclass(frozen=True)
class Signatory:
    """A member that signs charters: the version that it signed, and whether it is bound."""

    name: str
    signed: int | None
    bound: bool


def charter_status(tables: HubTables) -> CharterStatus:
    """How the charter stands. Raises LocalError(NOT_READY) before the founding."""
    directory = tables.directory.current()
    if not directory.charters:
        raise LocalError(ErrorCode.NOT_READY, "there is no charter yet; run patchwork-hub found")
    return CharterStatus(directory, waiting(tables))


def signatories(directory: Directory) -> list[Signatory]:
    """The active members and what each has signed. Auditors sign no charter."""
    active = {party_id: directory.active(party_id) for party_id in directory.members}
    return [
        Signatory(
            member.body.name, directory.accepted.get(party_id), not unaccepted(directory, party_id)
        )
        for party_id, member in active.items()
        if member is not None and member.body.member_class != "auditor"
    ]


def read_change(path: Path) -> Mapping[str, JsonValue]:
    """A change as the operator wrote it, in TOML or JSON. Raises LocalError or RemoteError."""
    if path.stat().st_size > DOCUMENT_LIMIT:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} is over {DOCUMENT_LIMIT} bytes")
    if path.suffix == ".json":
        value = _read_json(path)
    else:
        _, value = read_toml(path)
    if not isinstance(value, Mapping):
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} does not hold parts of a charter")
    return value


def _read_json(path: Path) -> JsonValue:
    data = path.read_bytes()
    try:
        return canonical.parse_loose(data, limit=DOCUMENT_LIMIT)
    except RemoteError as error:
        place = path.name
        try:
            json.loads(data)
        except json.JSONDecodeError as fault:
            place = f"{path.name}, line {fault.lineno}, column {fault.colno}"
        except ValueError:
            place = f"{path.name}, not text in UTF-8"
        raise LocalError(ErrorCode.BAD_FILE, f"{place}: {error.detail}") from None


def proposed(held: Charter, change: Mapping[str, JsonValue]) -> Charter:
    """The next charter: a whole document as it stands, or the parts of one put into `held`.

    Raises LocalError with the sentence for the operator.
    """
    old = held.to_value()
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
    _check_fields(value, old)
    try:
        new = parse_charter(canonical.encode(value))
    except RemoteError as error:  # a policy or a key in it, which nobody sent
        raise LocalError(ErrorCode.BAD_FILE, error.detail) from None
    if new.hub.sign != held.hub.sign:
        raise LocalError(ErrorCode.NOT_ALLOWED, "the hub's key cannot be changed in this release")
    check_policy(new.policy)
    check_witnesses(new)
    check_findable(new, held)
    return new


def _check_fields(value: Mapping[str, Any], held: Mapping[str, Any]) -> None:
    """Refuse what is no charter, naming the field as the operator knows it. Raises LocalError."""
    try:
        Charter.model_validate(value)
    except ValidationError as error:
        fault = fault_of(error, Charter)
    else:
        return
    names = _named(fault.place, value)
    where = ", ".join(names) or "the document"
    raise LocalError(ErrorCode.BAD_FILE, f"{where}: {fault.says}{_is_new(names, held)}")


def _named(place: Place, value: Any) -> list[str]:  # noqa: ANN401 - a part of a document
    """A place, with the names of things instead of their numbers."""
    names = []
    for part in place:
        inside = isinstance(value, (Mapping, list))
        value = value[part] if inside and (isinstance(part, int) or part in value) else None
        key = _item_key([value]) if isinstance(part, int) else None
        names.append(str(value[key] if key else part))
    return names


def _is_new(names: Sequence[str], held: Mapping[str, Any]) -> str:
    """Whether what is wrong is in a thing that the charter has not had: its name can be a slip."""
    things = held.get(names[0]) if len(names) > 1 else None
    key = _item_key(things) if isinstance(things, list) else None
    known = [item[key] for item in things or () if key]
    if not known or names[1] in known:
        return ""
    close = get_close_matches(names[1], known, 1)
    return f"; {names[1]} is new" + (f": did you mean {close[0]}?" if close else "")


def check_findable(charter: Charter, held: Charter | None = None) -> None:
    """Refuse something always findable on no lawful basis that is in force, unless it was so in the
    charter before, from when none was named. Raises LocalError.
    """
    before = {item.code: item for item in held.involvement_types} if held is not None else {}
    findable = charter.always_findable
    for item in charter.involvement_types:
        if item.openness == "always_findable" and item.code not in findable:
            was = before.get(item.code)
            if was == item and item.basis is None:
                continue
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                f"involvement type {item.code} is always findable: name the lawful basis in force "
                "that it is on, with basis = CODE",
            )


def check_witnesses(charter: Charter) -> None:
    """Refuse too few witnesses, too near ones, or too low a quorum. Raises LocalError."""
    faults = witness_faults(charter)
    if faults:
        raise LocalError(ErrorCode.NOT_ALLOWED, "; ".join(faults))


def propose(tables: HubTables, new: Charter) -> None:
    """The operator's proposal. Raises RemoteError(CONFLICT) for one that no longer follows."""
    if not _follows(tables.directory.current().charter, new):
        raise RemoteError(ErrorCode.CONFLICT, "another charter came into force meanwhile")
    put_forward(tables, new)


def put_forward(tables: HubTables, new: Charter) -> None:
    """Leave a proposal for the running hub; it takes the place of one that still waits."""
    tables.charters.keep(new.document_hash, new.encode())
    tables.charters.propose(new.document_hash)


def waiting(tables: HubTables) -> Charter | None:
    """The proposal that the running hub has not written yet."""
    document = tables.charters.proposal()
    return parse_charter(document) if document is not None else None


def adopt(ledger: Ledger) -> Charter | None:
    """Put the waiting proposal in force: log it, mark what has to be matched anew, owe leaves for
    what it shows no more.

    Answers the new charter, or None: one that does not follow the charter in force is dropped.
    """
    tables, old = ledger.tables, ledger.charter
    new = waiting(tables)
    tables.charters.drop_proposal()
    if new is None or not _follows(old, new):
        return None
    ledger.issue(charter_body(new), old.charter_id)
    if new.match_policy != old.match_policy:
        tables.stubs.mark_everybody()
    elif new.involvement_types != old.involvement_types:
        tables.links.mark_linked()
    tables.ends.look_at_links()
    return new


def charter_body(charter: Charter) -> CharterBody:
    """The statement that puts a charter in force, by its document's hash."""
    return CharterBody(
        version=charter.version,
        predecessor=charter.predecessor,
        document_hash=charter.document_hash,
        document_length=len(charter.encode()),
    )


def _follows(held: Charter, new: Charter) -> bool:
    return (new.version, new.predecessor) == (held.version + 1, held.document_hash)


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
