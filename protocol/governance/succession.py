"""A lost log and its successor: specs/05-log.md §15. Pure; the caller fetches.

A follower of the old log moves on only if the new one says of charter and members what the old one
said. Trusted with nothing but the old view: every key that counts here comes from it.
"""

from typing import Any

from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.governance.follow import LogView, verify_note_by_charter, witness_keys
from protocol.governance.rotation import check_next_member
from protocol.log.checkpoint import Checkpoint, parse_checkpoint, verify_cosigners
from protocol.messages.bodies import MemberBody
from protocol.messages.log import RotationBody
from protocol.messages.statement import parse_statement

MAY_CHANGE = frozenset({"version", "predecessor", "log"})


class SuccessorRefused(RemoteError):
    """A new log that does not follow from the old one; `note` is the checkpoint it showed."""

    def __init__(self, detail: str, note: bytes) -> None:
        super().__init__(ErrorCode.BAD_TREE, detail)
        self.note = note


def check_witnessed(old: LogView, note: bytes) -> None:
    """Check that a quorum of the old log's witnesses signed another log's checkpoint.

    Before anything is fetched of it: nobody makes a follower read a log that no witness has seen.
    Raises RemoteError(NO_QUORUM), or what a cosignature that does not fit raises.
    """
    parsed, _ = parse_checkpoint(note)
    charter = old.directory.charter
    signed = len(verify_cosigners(parsed, witness_keys(charter)))
    if signed < charter.quorum:
        detail = f"another log, which {signed} of the {charter.quorum} witnesses needed have signed"
        raise RemoteError(ErrorCode.NO_QUORUM, detail)


def check_successor(old: LogView, new: LogView) -> None:
    """Check that `new`, followed from its own genesis, takes the place of `old`.

    Raises RemoteError: BAD_TREE for a log that says otherwise than the old one, BAD_SIGNATURE and
    NO_QUORUM for an entry 0 or an old checkpoint that the old log's charter does not know.
    """
    succession = new.directory.succession
    if succession is None:
        raise RemoteError(ErrorCode.BAD_TREE, "another log, which does not succeed ours")
    held = old.directory.charter
    succession.envelope.verify(bytes.fromhex(held.hub.sign))
    body = succession.body
    if (body.old_genesis, body.old_origin) != (old.genesis, held.log.origin):
        raise RemoteError(ErrorCode.BAD_TREE, "entry 0 names another log than ours")
    last = _check_note(old, from_base64(body.note))
    _check_charter(held, new.directory.charters[0].charter)
    _check_members(old.directory, new.directory, complete=body.held >= last.size)


def _check_note(old: LogView, note: bytes) -> Checkpoint:
    last = verify_note_by_charter(note, old.directory.charter).checkpoint
    if last.size < old.size:
        raise RemoteError(ErrorCode.BAD_TREE, "entry 0 ends the old log before what we have seen")
    if last.size == old.size and last.root != old.frontier.root():
        raise RemoteError(ErrorCode.BAD_TREE, "entry 0 names another tree than the one we have")
    return last


def _check_charter(held: Charter, new: Charter) -> None:
    if (new.version, new.predecessor) != (held.version + 1, held.document_hash):
        raise RemoteError(ErrorCode.BAD_TREE, "entry 1 does not follow the charter that we know")
    if _fixed(held) != _fixed(new):
        raise RemoteError(ErrorCode.BAD_TREE, "entry 1 changes more than the log")
    if new.log.vkey == held.log.vkey or new.log.origin == held.log.origin:
        raise RemoteError(ErrorCode.BAD_TREE, "entry 1 keeps the old log's name or key")


def _fixed(charter: Charter) -> dict[str, Any]:
    return charter.model_dump(mode="json", exclude=set(MAY_CHANGE))


def _check_members(old: Directory, new: Directory, *, complete: bool) -> None:
    """Every member that we knew is named at first as we knew it last, or, if the hub had the
    `complete` old log, as a leaf that we had not seen yet may have named it.
    """
    end = _first_act(new)
    for party_id, known in old.members.items():
        last = known[-1].body
        named = [state.body for state in new.members.get(party_id, ()) if state.index < end]
        seen = last in named
        if not seen and not (complete and any(_may_follow(last, it, old.charter) for it in named)):
            raise RemoteError(ErrorCode.BAD_TREE, "a member that we know is named otherwise")


def _first_act(new: Directory) -> int:
    """The first index after the unbroken run of leaves that say who the members are."""
    found = {state.index for states in new.members.values() for state in states}
    end = min(found, default=0)
    while end in found:
        end += 1
    return end


def _may_follow(before: MemberBody, after: MemberBody, charter: Charter) -> bool:
    """Whether leaves in between may have led from one to the other: the hub changes a status,
    and the recovery key alone changes keys.
    """
    try:
        own = parse_statement(from_base64(after.enrolment)).body
        replaces = own.replaces if isinstance(own, RotationBody) else ""
        check_next_member(replaces, before, after, charter)
    except RemoteError:
        return False
    return True
