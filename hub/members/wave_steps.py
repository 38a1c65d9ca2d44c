"""How far each organisation of a wave has come, and what is missing: read from invitations, the
log and what was ticked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.members.office import candidates
from hub.store.members import ApplicantState
from hub.store.tables import HubTables
from hub.store.waves import InWave
from protocol.contact import require_name
from protocol.errors import ErrorCode, LocalError
from protocol.governance.acceptance import unaccepted

MOST_ORGANISATIONS = 100


class Step(StrEnum):
    """What each organisation has behind it, in order."""

    INVITED = "invited"
    APPLIED = "applied"
    MEMBER = "member"
    AGREED = "agreed"
    PUBLISHES = "publishes"
    TRAINED = "trained"
    OPENED = "opened"


@dataclass(frozen=True)
class Progress:
    """An organisation of a wave, the steps behind it, and its member's id if it has one."""

    organisation: InWave
    done: frozenset[Step]
    party_id: str | None

    @property
    def missing(self) -> Sequence[Step]:
        """The steps before it, in order."""
        return [step for step in Step if step not in self.done]


def progress(tables: HubTables, wave: int) -> list[Progress]:
    """How far the organisations of a wave are, by name."""
    used = {item.code_hash: item.used_by for item in tables.members.invitations()}
    named = {_folded(item.name): item.party_id for item in candidates(tables)}
    found = []
    for one in tables.waves.organisations(wave):
        party_id = used.get(one.invitation or "") or named.get(_folded(one.name))
        ticked = {
            Step.INVITED: party_id is not None or one.invitation in used,
            Step.TRAINED: one.trained_on is not None,
            Step.OPENED: one.opened_on is not None,
        }
        if party_id is not None:
            ticked |= _in_log(tables, party_id)
        done = frozenset(step for step, is_done in ticked.items() if is_done)
        found.append(Progress(one, done, party_id))
    return found


def read_names(text: str) -> list[str]:
    """Names of organisations, one a line. Raises LocalError(MALFORMED) for what is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_ORGANISATIONS:
        raise LocalError(ErrorCode.MALFORMED, f"at most {MOST_ORGANISATIONS} organisations")
    try:
        return [*dict.fromkeys(require_name(line) for line in lines)]
    except ValueError as error:
        raise LocalError(ErrorCode.MALFORMED, str(error)) from None


def tick(tables: HubTables, wave: int, step: Step, names: Collection[str], day: str) -> None:
    """Take down that organisations were trained or opened on a day (ISO)."""
    done = {Step.TRAINED: tables.waves.trained, Step.OPENED: tables.waves.opened}[step]
    for name in names:
        done(wave, name, day)


def _in_log(tables: HubTables, party_id: str) -> dict[Step, bool]:
    applicant, directory = tables.members.applicant(party_id), tables.directory.current()
    is_active = directory.active(party_id) is not None
    return {
        Step.APPLIED: applicant is not None and applicant.state is not ApplicantState.REJECTED,
        Step.MEMBER: is_active,
        Step.AGREED: is_active and not unaccepted(directory, party_id),
        Step.PUBLISHES: tables.log.last_of(party_id, ("publication",)) is not None,
    }


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
