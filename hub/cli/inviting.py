"""The last part of patchwork-hub set-up: invitations out, words compared, agencies in."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from hub.members.enrolment import code_hash, enrolment_of
from hub.members.office import approve, make_invitation
from hub.store.members import ApplicantState
from hub.store.tables import HubTables, opened
from protocol.contact import require_name
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from protocol.fields import from_base64, to_base64
from protocol.governance.admission import Newcomer, needs_endorsement
from protocol.messages.bodies import EnrolmentBody
from protocol.wire import Invitation, encode_wire, parse_wire
from runtime.environment import Environment
from runtime.files import put_new
from runtime.interview.answers import Question, shown
from runtime.interview.cli import Interview, Waiting

INVITATIONS = "invitations"


def agency_names(text: str) -> str:
    """Names with commas between, or nothing. Raises ValueError."""
    names = [require_name(part) for part in text.split(",") if part.strip()]
    if len({_file_name(name) for name in names}) < len(names):
        raise ValueError("write names that differ")
    return ", ".join(names)


AGENCY_QUESTIONS = {
    "agencies": Question(
        "Which agencies do you invite now (names, with commas between; Enter: none)",
        agency_names,
        "",
    ),
}
WORDS = Question("The eight words as you hear them (Enter: later)", str, "")


@dataclass(frozen=True)
class Standing:
    """How far somebody who applied has come."""

    body: EnrolmentBody
    state: ApplicantState
    needs_endorsement: bool


def bring_in(folder: Path, ask: Interview, env: Environment) -> None:
    """Invite agencies, and approve each after its words were compared, until all are in."""
    put_off: set[str] = set()
    while True:
        _invite(folder, ask.text("agencies"), env)
        while (one := ask.until(lambda: _next(folder, put_off, env.clock()))) is not None:
            _compare(folder, ask, one.body, put_off)
        ask.say("", "Everybody who was invited is in.")
        if ask.is_given("agencies"):
            return
        if not (more := str(ask.once(AGENCY_QUESTIONS["agencies"]))):
            ask.say("Run this again to invite more; patchwork-hub members shows who is in.")
            return
        ask.answers.keep("agencies", more)


def _invite(folder: Path, names: str, env: Environment) -> None:
    """An invitation in a file of its own for each that has none yet."""
    kept = folder / INVITATIONS
    kept.mkdir(mode=0o700, exist_ok=True)
    for name in filter(None, names.split(", ")):
        path = kept / f"{_file_name(name)}.txt"
        if not path.exists():
            invitation = asyncio.run(make_invitation(folder, env))
            put_new(path, to_base64(encode_wire(invitation)).encode() + b"\n")


def _next(folder: Path, put_off: set[str], now: int) -> Standing | Waiting | None:
    """The next who waits for a comparison of words; None if all who were invited are members."""
    standings = asyncio.run(_standings(folder, now))
    lines = []
    for one in standings:
        if one.state is ApplicantState.WAITING and one.body.party_id not in put_off:
            return one
        if said := _SAID.get(one.state):
            lines.append(f"{one.body.name} {_ENDORSED if one.needs_endorsement else said}.")
    used = {one.body.invitation_hash for one in standings}
    for path in sorted((folder / INVITATIONS).glob("*.txt")):
        if _hash_in(path) not in used:
            lines.append(f"Hand {shown(path)} to that agency alone, for its set-up.")
    return Waiting("\n".join(lines)) if lines else None


_SAID = {
    ApplicantState.WAITING: "waits for its words: stop with Ctrl-C, then run this again",
    ApplicantState.APPROVED: "is approved, and the running hub lets it in",
}
_ENDORSED = "is approved, and needs another organisation's word: patchwork-node endorse"


def _compare(folder: Path, ask: Interview, body: EnrolmentBody, put_off: set[str]) -> None:
    clients = f", about {counted(body.clients, 'client')}" if body.clients else ""
    ask.say(
        "",
        f"{body.name} has applied: {body.member_class}{clients}, duty line {body.duty_line}.",
        "Call it by a number that you knew before, and have it read out its eight words.",
    )
    while words := str(ask.once(WORDS)).strip():
        try:
            asyncio.run(_approve(folder, body.party_id, words))
        except LocalError as error:
            ask.say(f"Not so: {error.detail}.")
            if error.code is ErrorCode.NOT_FOUND:
                return
        else:
            ask.say(f"Approved: {body.name}.")
            return
    put_off.add(body.party_id)


async def _standings(folder: Path, now: int) -> list[Standing]:
    def read(tables: HubTables) -> list[Standing]:
        directory, found = tables.directory.current(), []
        for one in tables.members.applicants(*ApplicantState):
            body = enrolment_of(one)
            lacks = one.state is ApplicantState.APPROVED and needs_endorsement(
                directory, Newcomer.of(body), now
            )
            found.append(Standing(body, one.state, lacks))
        return found

    async with opened(folder) as engine:
        return await engine.read(read)


async def _approve(folder: Path, party_id: str, words: str) -> None:
    async with opened(folder) as engine:
        await engine.write(lambda tables: approve(tables, party_id, words))


def _hash_in(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return code_hash(parse_wire(Invitation, from_base64(text.strip())).code)


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name.casefold()).strip("-") or "agency"
