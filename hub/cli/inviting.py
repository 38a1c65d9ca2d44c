"""The last part of patchwork-hub set-up: invitations out, words compared, agencies in."""

import asyncio
import re
from pathlib import Path

from hub.members.enrolment import code_hash, enrolment_of
from hub.members.office import approve, make_invitation
from hub.store.members import Applicant, ApplicantState
from hub.store.tables import opened
from protocol.contact import require_name
from protocol.errors import ErrorCode, LocalError
from protocol.fields import from_base64, to_base64
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


def bring_in(folder: Path, ask: Interview, env: Environment) -> None:
    """Invite agencies, and approve each after its words were compared, until all are in."""
    put_off: set[str] = set()
    while True:
        _invite(folder, ask.text("agencies"), env)
        while (applicant := ask.until(lambda: _next(folder, put_off))) is not None:
            _compare(folder, ask, applicant, put_off)
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


def _next(folder: Path, put_off: set[str]) -> Applicant | Waiting | None:
    """The next who waits for a comparison of words; None if all who were invited are members."""
    applicants = asyncio.run(_applicants(folder))
    for one in applicants:
        if one.state is ApplicantState.WAITING and one.party_id not in put_off:
            return one
    states = {enrolment_of(one).invitation_hash: one.state for one in applicants}
    not_yet, approved = [], []
    for path in sorted((folder / INVITATIONS).glob("*.txt")):
        state = states.get(_hash_in(path))
        if state is ApplicantState.APPROVED:
            approved.append(path.stem)
        elif state is not ApplicantState.MEMBER:
            not_yet.append(path)
    if not not_yet and not approved:
        return None
    lines = [
        *(f"Hand {shown(path)} to that agency alone, for its set-up." for path in not_yet),
        *(f"{name} is approved, and waits for another agency's word (endorse), or for the hub."
          for name in approved),
    ]  # fmt: skip
    return Waiting("\n".join(lines))


def _compare(folder: Path, ask: Interview, applicant: Applicant, put_off: set[str]) -> None:
    body = enrolment_of(applicant)
    ask.say(
        "",
        f"{body.name} has applied: {body.member_class}, about {body.clients} clients, duty line "
        f"{body.duty_line}.",
        "Call it by a number that you knew before, and have it read out its eight words.",
    )
    while words := str(ask.once(WORDS)).strip():
        try:
            asyncio.run(_approve(folder, applicant.party_id, words))
        except LocalError as error:
            if error.code is not ErrorCode.CONFLICT:
                raise
            ask.say(f"{error.detail}")
            continue
        ask.say(f"Approved: {body.name}.")
        return
    put_off.add(applicant.party_id)


async def _applicants(folder: Path) -> list[Applicant]:
    async with opened(folder) as engine:
        return await engine.read(lambda tables: tables.members.applicants(*ApplicantState))


async def _approve(folder: Path, party_id: str, words: str) -> None:
    async with opened(folder) as engine:
        await engine.write(lambda tables: approve(tables, party_id, words))


def _hash_in(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return code_hash(parse_wire(Invitation, from_base64(text.strip())).code)


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name.casefold()).strip("-") or "agency"
