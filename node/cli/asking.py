"""patchwork-node ask and drafts: to whom, why, by when; nothing that was chosen is lost.

Parse, call, print. Exit codes: see node/cli/main.py.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions import asking as acts
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Folder, HubName, JsonOutput, PersonName
from node.cli.printing import day_of, plain
from node.cli.prompts import Chosen, at_keyboard, choose, chosen, confirm, role_among, said, typed
from node.views.drafts import drafts_value
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode, LocalError, PatchworkError
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)
err = Console(soft_wrap=True, markup=False, highlight=False, stderr=True)

OTHER_DAY = "other"
GOES_OUT = (
    "The request is kept and goes out by itself, with a running patchwork-node serve: do not ask "
    "again."
)


@dataclass(frozen=True)
class _Here:
    """At which hub of which node, and who asks."""

    folder: Path
    hub: str
    practitioner: str
    as_json: bool = False

    @property
    def talk(self) -> Console:
        """Where it speaks to a person: beside what a script reads."""
        return err if self.as_json else out

    async def begin(self, client: str, reference: str, draft: int) -> tuple[int, acts.Choices]:
        """Who asks (a row's id), and what there is to choose from."""
        async with open_service(self.folder, self.hub) as service:
            person = await who_acts(service, self.practitioner)
            return person, await acts.begin(service, person, client, reference, draft)

    async def keep(self, wanted: acts.Ask) -> int:
        """Keep it as a draft; its number."""
        async with open_service(self.folder, self.hub) as service:
            return await acts.keep_draft(service, wanted)

    async def send(self, wanted: acts.Ask, day: str) -> bool:
        """Send it, and say what came of it; whether it was taken."""
        async with open_service(self.folder, self.hub) as service:
            kept = await acts.keep_draft(service, wanted)
            try:
                request_id = await acts.send_kept(service, replace(wanted, draft=kept), day)
            except PatchworkError:
                goes = await acts.is_on_its_way(service, kept)
                self.talk.print(GOES_OUT if goes else _kept(kept))
                raise
            value = await service.read(inbox_value)
        item = next(item for item in value["sent"] if item["request_id"] == request_id)
        to = wanted.addressee
        if self.as_json:
            kept_as = kept if item["sentence"] else None
            said_of = ("request_id", "state", "sentence", "needed_by")
            typer.echo(json.dumps({**{name: item[name] for name in said_of}, "draft": kept_as}))
            return not item["sentence"]
        out.print(f"Request {request_id} to {plain(to.title)}: {item['state_text']}.")
        if item["sentence"]:
            out.print(item["sentence"])
            out.print(_kept(kept))
            return False
        out.print(f"Needed by {day_of(item['needed_by'])}.")
        if to.duty_line:
            out.print(
                f"Meanwhile their duty line is {to.duty_line} ({plain(to.duty_hours or '')})."
            )
        return True


@app.command()
def ask(
    client: Annotated[str, typer.Argument(help="The client's id in your own system.")] = "",
    reference: Annotated[str, typer.Argument(help="The reference in the client's team.")] = "",
    role: Annotated[
        str, typer.Option(help="Your role, as the charter names it; left out: as your record says.")
    ] = "",
    purpose: Annotated[str, typer.Option(help="Purpose code; asked for if left out.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis code; asked for if left out.")] = "",
    fact: Annotated[list[str] | None, typer.Option(help="field=value (repeat).")] = None,
    needed_by: Annotated[
        str,
        typer.Option(help="By which day: today, tomorrow or 2026-12-03; left out: any in time."),
    ] = "",
    draft: Annotated[int, typer.Option(help="Go on with a draft, by its number.")] = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Ask for the contact details of somebody in a client's team; it says to whom it goes."""
    with report_errors():
        if bool(draft) == bool(client):
            raise LocalError(
                ErrorCode.NOT_READY, "say a client and a reference of their team, or --draft NUMBER"
            )
        here = _Here(folder, hub, practitioner, as_json)
        person, choices = asyncio.run(here.begin(client, reference, draft))
        here.talk.print(f"This goes to {plain(choices.addressee.title)}.")
        wanted, so_far = _so_far(choices, person, said(purpose, basis, fact), role)
        try:
            # What is typed is kept in `so_far`: whoever breaks off here loses nothing.
            grounds = choose(choices.offered, so_far)
            wanted = replace(wanted, grounds=grounds, role=wanted.role or role_among(choices.roles))
            day = needed_by or ("" if wanted.needed_by else _day(choices))
            if not yes:
                confirm("Send it?")
        except typer.Abort:
            if so_far.purpose:
                kept = asyncio.run(here.keep(replace(wanted, grounds=so_far.grounds())))
                here.talk.print(_kept(kept))
            raise
        if not asyncio.run(here.send(wanted, day)):
            raise typer.Exit(1)


@app.command()
def drafts(
    drop: Annotated[int, typer.Option(help="Delete this one, by its number.")] = 0,
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show the requests that could not be sent or were refused, to go on with; or delete one."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                if drop:
                    await acts.drop_draft(service, drop)
                value = await service.read(drafts_value)
            if as_json:
                typer.echo(json.dumps(value))
                return
            out.print("Drafts:" if value else "No drafts.")
            for item in value:
                about = f"about {plain(item['client'])}, to {plain(item['agency'])}"
                out.print(f"{item['draft']}. {plain(item['practitioner'])} {about}")
                if item["why"]:
                    out.print(f"    {plain(item['why'])}")
                out.print(f"    patchwork-node ask --draft {item['draft']}")

        asyncio.run(work())


def _so_far(
    choices: acts.Choices, person: int, options: Chosen, role: str
) -> tuple[acts.Ask, Chosen]:
    """What a draft and, over it, the options say."""
    before = choices.draft
    if before is not None:
        basis_stays = options.basis in ("", before.basis)
        options.facts = {**(before.facts if basis_stays else {}), **options.facts}
        options.purpose = options.purpose or before.purpose
        options.basis = options.basis or before.basis
        role = role or before.role
    wanted = acts.Ask(
        client=choices.client,
        addressee=choices.addressee,
        person=person,
        role=role,
        grounds=options.grounds(),
        needed_by=before.needed_by if before else None,
        draft=before.id if before else 0,
    )
    return wanted, options


def _day(choices: acts.Choices) -> str:
    """By which day, asked for at the keyboard; a script that does not say it has time."""
    if not at_keyboard():
        return ""
    days = {day.isoformat(): f"{words}, {day:%A %-d %B}" for words, day in choices.days}
    day = chosen("Needed by", "--needed-by", {**days, OTHER_DAY: "another day"})
    if day == OTHER_DAY:
        return typed("Which day (as 2026-12-03)", "--needed-by", date.fromisoformat)
    return day


def _kept(draft: int) -> str:
    return f"What you chose is kept. To go on with it: patchwork-node ask --draft {draft}"
