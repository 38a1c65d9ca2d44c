"""patchwork-hub set-up: from an empty folder to a council with its agencies, by questions.

Each step looks at what is there and does what is missing, so that the same command goes on wherever
it was cut off. The single commands (init, ceremony, found, invite, members) do the same by hand.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from hub.cli.folder import Folder
from hub.cli.inviting import AGENCY_QUESTIONS, bring_in
from hub.config import begin_settings, load_settings
from hub.members.founding import Terms
from hub.members.gathering import Gathered, deals_of, gather, transcripts_of
from hub.members.office import (
    FEWEST_HOLDERS,
    FirstCharter,
    Plan,
    ceremony_terms,
    check_origin,
    found_federation,
    founded_as,
    has_hub,
    has_plan,
    log_signer,
    make_duty_desk,
    make_hub,
    read_plan,
)
from hub.members.template import template
from protocol.contact import require_hours, require_phone
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.governance.bundles import (
    BUNDLE_LIMIT,
    CouncilBundle,
    encode_bundle,
    read_council,
)
from protocol.governance.ceremony import SignedTranscript
from protocol.governance.directory import MOST_FOUNDING_DAYS
from protocol.governance.witness_rules import FEWEST, MOST, faults_of, least_quorum
from runtime.environment import Environment
from runtime.files import put_file
from runtime.folders import HUB
from runtime.interview.answers import (
    TRIAL,
    Question,
    address,
    arrived,
    nothing_at,
    number,
    place,
    shown,
    yes_or_no,
)
from runtime.interview.cli import AnswersFile, Interview, NoWait, Waiting, leading
from transport.client import HttpClient

app = typer.Typer()
Result = TypeVar("Result")

TO_ALL = "to-all.json"
HUB_PORT = 8440
MOST_HOLDERS = 16


def log_name(text: str) -> str:
    """The log's name. Raises ValueError."""
    try:
        check_origin(text)
    except LocalError:
        raise ValueError("write a name without spaces or plus signs, as hub.example/log") from None
    return text


HOLDERS = number(FEWEST_HOLDERS, MOST_HOLDERS)
COUNCIL_QUESTIONS = {
    "name": Question("What is the hub called (as Wexcombe hub)"),
    "control_domain": Question("Which organisation runs it"),
    "url": Question("Under which address do others reach it (as https://hub.example)", address),
    "trial": TRIAL,
    "port": Question("On which port does it listen on this machine", number(1, 65_535)),
    "origin": Question("What is its log called", log_name),
    "duty_desk": Question("Who answers at once for everybody (as Emergency duty team)"),
    "duty_phone": Question("Its telephone number", require_phone),
    "duty_hours": Question("When does it answer", require_hours),
    "holders": Question("How many key holders are there", HOLDERS, "3"),
    "threshold": Question("How many of them does it take to make a token", HOLDERS),
    "witnesses": Question("How many witnesses are there", number(FEWEST, MOST), "4"),
    "quorum": Question("How many of them must sign", number(1, MOST)),
    "founding_days": Question(
        "For how many days may agencies join without another one's word",
        number(0, MOST_FOUNDING_DAYS),
        str(MOST_FOUNDING_DAYS),
    ),
    "cooling_days": Question("How many days do key holders wait with later ones", number(0, 90)),
}
QUESTIONS = {
    **COUNCIL_QUESTIONS,
    "council_right": Question("Is that right", yes_or_no),
    "files": Question("Where do their files arrive (a folder, or as ../*/to-council.json)", place),
    "parties_right": Question("Are these the ones (yes or no)", yes_or_no),
    **AGENCY_QUESTIONS,
}


@app.command()
def set_up(answers: AnswersFile = None, no_wait: NoWait = False, folder: Folder = Path()) -> None:
    """Lead through founding a council and bringing its agencies in. Run again, it goes on."""
    with leading(folder, HUB, QUESTIONS, answers, wait=not no_wait) as interview:
        HubSetUp(folder, interview, Environment()).run()


class HubSetUp:
    """The steps; each is passed over where it has been taken."""

    def __init__(self, folder: Path, interview: Interview, env: Environment) -> None:
        self._folder = folder
        self._ask = interview
        self._env = env
        self._to_all = folder / TO_ALL

    def run(self) -> None:
        """From wherever this folder stands to the last agency."""
        genesis = asyncio.run(founded_as(self._folder)) if has_hub(self._folder) else None
        if genesis is None:
            genesis = self._founded(self._planned())
        self._serving(genesis)
        if self._to_all.exists():
            self._tell(genesis)
        bring_in(self._folder, self._ask, self._env)

    def _planned(self) -> Plan:
        """What the hub is to be, agreed and made."""
        plan = read_plan(self._folder) if has_plan(self._folder) else None
        if plan is None:
            self._ask.say("Questions about the council. Enter takes what stands in brackets.", "")
        while True:
            asked = plan or self._plan()
            self._terms(asked)
            if self._ask.right("council_right", tuple(COUNCIL_QUESTIONS), self._in_short(asked)):
                break
        if not has_hub(self._folder):
            make_hub(self._folder, asked, self._env)
        return asked

    def _plan(self) -> Plan:
        ask = self._ask
        name, domain, url = ask.text("name"), ask.text("control_domain"), ask.address("url")
        host = url.partition("//")[2].partition("/")[0].partition(":")[0]
        return Plan(self._env.new_id(), name, domain, ask.text("origin", f"{host}/log"))

    def _terms(self, plan: Plan) -> None:
        """Ask the rest of the questions about the council."""
        ask = self._ask
        ask.port(ask.address("url"), HUB_PORT)
        for key in ("duty_desk", "duty_phone", "duty_hours"):
            ask.text(key)
        holders = ask.number("holders")
        ask.within("threshold", FEWEST_HOLDERS, holders, holders // 2 + 1)
        witnesses = ask.number("witnesses")
        ask.within("quorum", least_quorum(witnesses), witnesses, least_quorum(witnesses))
        ask.number("founding_days")
        ask.number("cooling_days", template()["admission"]["cooling_days"])

    def _in_short(self, plan: Plan) -> list[str]:
        ask = self._ask
        holders, witnesses = self._many()
        return [
            f"{plan.hub_name}, run by {plan.control_domain}, at {ask.text('url')}.",
            f"Everybody can call {ask.text('duty_desk')}: {ask.text('duty_phone')}.",
            f"{holders}, of whom any {ask.number('threshold')} suffice.",
            f"{witnesses}, of whom {ask.number('quorum')} must sign.",
        ]

    def _many(self) -> tuple[str, str]:
        """How many key holders and witnesses there are to be."""
        count = self._ask.number
        return counted(count("holders"), "key holder"), counted(count("witnesses"), "witness")

    def _founded(self, plan: Plan) -> str:
        """Gather who takes part, lead them through the ceremony, write the charter; its genesis."""
        if not self._to_all.exists():
            self._gathered(plan)
        bundle = self._handed()
        holders = bundle.terms.holders

        def dealt(found: Gathered) -> list[str] | Waiting:
            deals = deals_of(found, bundle.terms)
            left = [one.name for one in holders if one.holder_id not in deals]
            said = f"Hand {shown(self._to_all)} to every key holder and every witness."
            return _or_wait([to_base64(one) for one in deals.values()], found, left, said)

        def signed(found: Gathered) -> list[SignedTranscript] | Waiting:
            transcripts = transcripts_of(found, bundle.terms)
            there = {one.holder_id for one in transcripts}
            left = [one.name for one in holders if one.holder_id not in there]
            said = f"Hand {shown(self._to_all)} to every key holder again: there is more in it now."
            return _or_wait(transcripts, found, left, said)

        if not bundle.deals:
            bundle = bundle.model_copy(update={"deals": self._from_files(plan, dealt)})
            self._hand_out(bundle)
        transcripts = self._from_files(plan, signed)
        first = self._first_charter(bundle)
        return asyncio.run(
            found_federation(self._folder, bundle.terms, transcripts, first, self._env)
        )

    def _gathered(self, plan: Plan) -> None:
        """Wait for the first file of each key holder and witness; agree on who they are."""
        ask = self._ask
        holders, others = self._many()
        ask.say(
            "",
            f"Ask {holders} to run patchwork-keys set-up, and "
            f"{others} to run patchwork-audit witness set-up.",
            "Each gets a file to-council.json from it, with nothing secret in it, and hands it to "
            "you.",
        )
        while True:
            found = self._from_files(plan, self._all_there)
            if ask.right("parties_right", (), _who(found)):
                break
            ask.again("files")
        witnesses = sorted(found.witnesses.values(), key=lambda one: one.name)
        urls = {one.name: one.url for one in witnesses if one.url}
        begin_settings(self._folder, ask.text("url"), ask.port(ask.text("url"), HUB_PORT), urls)
        terms = ceremony_terms(plan, found.records(), ask.number("threshold"))
        self._hand_out(
            CouncilBundle(
                charter_id=plan.charter_id,
                name=plan.hub_name,
                control_domain=plan.control_domain,
                url=ask.text("url"),
                log=log_signer(self._folder, plan).key.text,
                terms=terms,
                witnesses=witnesses,
                deals=[],
                genesis=None,
            )
        )

    def _all_there(self, found: Gathered) -> Gathered | Waiting:
        """Everybody who was asked to take part, and nobody else."""
        ask, holders, witnesses = self._ask, found.records(), list(found.witnesses.values())
        faults = list(found.doubts)
        for what, there, wanted in (
            ("key holders", len(holders), ask.number("holders")),
            ("witnesses", len(witnesses), ask.number("witnesses")),
        ):
            if there > wanted:
                faults.append(f"There are files of {there} {what}, and you said {wanted}.")
            elif there < wanted:
                faults.append(f"{there} of {wanted} {what} have handed in.")
        if not faults:
            domains = [one.control_domain for one in witnesses]
            faults += faults_of(domains, ask.text("control_domain"), ask.number("quorum"))
        if not ask.text("url").startswith("http:"):
            urls = {one.name: one.url for one in holders}
            urls |= {one.name: one.url or "" for one in witnesses}
            plain = [name for name, url in urls.items() if url.startswith("http:")]
            faults += [f"{name} has an http:// address, as only a trial can." for name in plain]
        return Waiting("\n".join([*found.faults, *faults])) if faults else found

    def _from_files(self, plan: Plan, look: Callable[[Gathered], Result | Waiting]) -> Result:
        """What the files that arrive come to, once it is whole."""
        inbox = self._folder / "in"
        inbox.mkdir(mode=0o700, exist_ok=True)
        where = self._ask.text("files", shown(inbox), anew=True)

        def looked() -> Result | Waiting:
            files = arrived(where, BUNDLE_LIMIT)
            found = look(gather(files, plan.charter_id))
            if isinstance(found, Waiting) and not files:
                return Waiting(f"{found.text}\n{nothing_at(where)}")
            return found

        return self._ask.until(looked)

    def _first_charter(self, bundle: CouncilBundle) -> FirstCharter:
        ask = self._ask
        desk = make_duty_desk(ask.text("duty_desk"), ask.text("duty_phone"), ask.text("duty_hours"))
        witnesses = [
            {"name": one.name, "control_domain": one.control_domain, "vkey": one.vkey}
            for one in bundle.witnesses
        ]
        admission = Terms(ask.number("founding_days"), ask.number("cooling_days"))
        return FirstCharter(witnesses, ask.number("quorum"), desk, admission)

    def _serving(self, genesis: str) -> None:
        """Wait until the hub answers where others reach it."""
        settings, plan = load_settings(self._folder), read_plan(self._folder)
        start = (
            f"The council is founded. Its genesis fingerprint, to be published, is\n  {genesis}\n"
            f"Start the hub in another window, or as a service of this machine:\n"
            f"  patchwork-hub serve --dir {self._folder}"
        )

        async def first_line() -> str:
            async with HttpClient(allow_private=settings.allow_private_addresses) as http:
                note = await http.get(f"{settings.public_url}/checkpoint")
                return note.decode("utf-8", "replace").partition("\n")[0]

        def answers() -> bool | Waiting:
            try:
                origin = asyncio.run(first_line())
            except RemoteError as error:
                return Waiting(start) if error.code is ErrorCode.UNREACHABLE else True
            other = f"At {settings.public_url} another log answers: {origin}"
            return True if origin == plan.origin else Waiting(other)

        self._ask.until(answers)

    def _tell(self, genesis: str) -> None:
        """Say to key holders that the council is founded."""
        bundle = self._handed()
        if bundle.genesis != genesis:
            self._hand_out(bundle.model_copy(update={"genesis": genesis}))
            self._ask.say("", f"Hand {shown(self._to_all)} to every key holder for the last time.")

    def _handed(self) -> CouncilBundle:
        return read_council(self._to_all.read_bytes())

    def _hand_out(self, bundle: CouncilBundle) -> None:
        put_file(self._to_all, encode_bundle(bundle))


def _or_wait(
    done: list[Result], found: Gathered, left: list[str], said: str
) -> list[Result] | Waiting:
    """What was wanted, if nobody is left; else what to do, and for whom one waits."""
    if not left:
        return done
    return Waiting("\n".join([said, *found.faults, f"Not there yet: {', '.join(left)}."]))


def _who(found: Gathered) -> list[str]:
    """Who takes part, for a person to look at."""
    return [
        "These hold the key together:",
        *(f"  {one.name} ({one.control_domain}), {one.url}" for one in found.records()),
        "These watch the log:",
        *(
            f"  {one.name} ({one.control_domain}), {one.url or 'asks the hub'}"
            for one in sorted(found.witnesses.values(), key=lambda one: one.name)
        ),
    ]
