"""patchwork-node people: who may act for this agency (`--as`). Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions.register import (
    add_person,
    choose_mail,
    close_person,
    in_register,
    say_away,
    say_back,
)
from node.cli.options import Folder, JsonOutput
from node.cli.printing import day_of, plain
from node.config import MailWish
from node.records.people import Appointment, Away
from node.store.people import PersonKind
from node.store.team_roles import ALL_TEAMS, TeamRole
from node.views.people import KINDS, people_value
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from runtime.cli import make_cli, report_errors

app = make_cli("people", "Who may act for your organisation: workers as imported, and others.")
out = Console(soft_wrap=True, markup=False, highlight=False)

DEEDS = {
    "withdrew": "withdrew the permission for {}",
    "saw_alerts": "saw alerts: {}",
    "acknowledged": "put alarm {} away",
    "signed_charter": "signed version {} of the sharing agreement",
    "said_same_client": "said that {} is a client known under another id",
    "said_another_client": "said that {} is a client of their own",
    "changed_details": "changed what everybody sees of this organisation",
    "disclosed": "opened for an auditor how request {} was decided",
    "passed_on": "passed request {} on",
    "recalled_card": "recalled the card of request {}",
    "kept_card": "let the card of request {} stay after a withdrawal",
    "recorded_consent": "recorded a consent of {}",
    "recorded_objection": "recorded an objection of {}",
    "ended_objection": "recorded that {} took an objection back",
    "added_client": "added {}",
    "corrected_client": "corrected the record of {}",
    "closed_work": "closed work with {}",
    "reopened_work": "let work with {} go on",
    "took_on": "took {} on",
    "handed_over": "handed {} over",
    "imported": "imported a file of {} on the pages",
    "merged_client": "said that these are one client: {}",
    "confirmed_work": "said that work with {} goes on",
    "parted_client": "said that {} is a client of their own after all",
    "proposed_withholding": "wanted {} withheld",
    "withheld_client": "agreed that {} is withheld",
    "ended_withholding": "ended the withholding of {}",
    "enquired": "enquired: {}",
    "closed_enquiry": "closed {}",
    "raised_attention": "raised attention about {}",
    "saw_attention": "saw to the attention raised about {}",
    "asked_to_invite": "asked the council to invite {}",
    "appointed": "said what {} is here, and for whom they answer",
    "let_go": "said that {} has left",
    "said_away": "said that {} is away",
    "said_back": "said that {} is here again",
    "made_backup": "made the backup {}",
    "changed_rule": "changed by which rule requests are answered: {}",
}

ALL, NONE = "all", "none"
TEAMS = "repeat it, or say all, or none."
Named = Annotated[str, typer.Argument(help="Their name.")]


@app.command()
def add(
    name: Named,
    kind: Annotated[
        PersonKind | None, typer.Option(help="What they are to you; a worker unless you say it.")
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="Their team, if somebody else has the same name.")
    ] = None,
    duty: Annotated[list[str] | None, typer.Option(help=f"On duty for this team; {TEAMS}")] = None,
    manager: Annotated[list[str] | None, typer.Option(help=f"Its manager; {TEAMS}")] = None,
    folder: Folder = Path(),
) -> None:
    """Let somebody act from now on; or say anew what somebody is, and open what was closed. Whoever
    is on duty or a manager answers requests in their turn.
    """
    with report_errors():
        said = {TeamRole.DUTY: duty, TeamRole.MANAGER: manager}
        roles = {role: _teams(names) for role, names in said.items() if names}
        person = asyncio.run(add_person(folder, Appointment(name, team, kind, roles)))
        out.print(f"{person.title} may act here as {KINDS[person.kind]}: --as '{person.title}'.")


@app.command("list")
def list_people(
    everybody: Annotated[bool, typer.Option("--all", help="Those who were closed too.")] = False,
    acts: Annotated[bool, typer.Option("--acts", help="What was done in their names too.")] = False,
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show who may act, since when, and what was done in their names that no statement says."""
    with report_errors():
        people = asyncio.run(in_register(folder, people_value))
        shown = [item for item in people if everybody or item["closed_at"] is None]
        if as_json:
            typer.echo(json.dumps(shown))
        else:
            _print(shown, acts=acts)


@app.command()
def away(
    name: Named,
    until: Annotated[str, typer.Option(help="The last day, as yyyy-mm-dd.")],
    first: Annotated[str, typer.Option("--from", help="The first day; today if left out.")] = "",
    cover: Annotated[str, typer.Option(help="Who answers in their place, by name.")] = "",
    folder: Folder = Path(),
) -> None:
    """Say that somebody is away: requests to them go to who covers, or else to duty."""
    with report_errors():
        last = _day(until, "--until")
        said = Away(name, _day(first, "--from") if first else None, last, cover)
        asyncio.run(say_away(folder, said))
        instead = f"{cover} covers" if cover else "nobody covers, so it is duty's turn"
        out.print(f"{name} is away until the end of {last:%-d %B %Y}; {instead}.")


@app.command()
def back(name: Named, folder: Folder = Path()) -> None:
    """Say that somebody is here again; absences to come are taken back too."""
    with report_errors():
        ended = asyncio.run(say_back(folder, name))
        out.print(f"{name} is here." if ended else f"{name} was not away.")


@app.command()
def mail(
    name: Named,
    wish: Annotated[MailWish, typer.Argument(help="When: at-once, daily or never.")],
    to: Annotated[
        str | None,
        typer.Option(help="Where, if not at the address on their card; '' to go back to that."),
    ] = None,
    folder: Folder = Path(),
) -> None:
    """Say how somebody hears by e-mail that there is news: a mail never says what."""
    with report_errors():
        person = asyncio.run(choose_mail(folder, name, wish, to))
        out.print(f"{person.title} gets mail: {wish.value}.")


@app.command()
def close(
    name: Named,
    hand_to: Annotated[str, typer.Option(help="Who takes their work over, by name.")] = "",
    folder: Folder = Path(),
) -> None:
    """Let somebody act no longer. What they did stays; an import does not bring them back. Cards
    with their details are recalled, and what they asked for and was not answered is stopped.
    """
    with report_errors():
        left = asyncio.run(close_person(folder, name, hand_to))
        out.print(f"{left.person.title} acts here no longer.")
        if left.handed_over:
            works = counted(left.handed_over, "piece of work was", "pieces of work were")
            out.print(f"{works} handed over to {hand_to}.")
        if left.stopped:
            asked = counted(left.stopped, "unanswered request", "unanswered requests")
            out.print(f"Stopped: {asked} of theirs.")
        if left.alone:
            out.print(
                f"{counted(left.alone, 'piece of work has', 'pieces of work have')} nobody to call "
                "now: run this again with --hand-to NAME."
            )


def _teams(names: Sequence[str]) -> list[str]:
    """Teams as they are kept: all of them, none, or these."""
    words = {ALL, NONE} & {*names}
    if words and len({*names}) > 1:
        raise LocalError(ErrorCode.MALFORMED, "say teams by name, or all, or none")
    return [ALL_TEAMS if name == ALL else name for name in names if name != NONE]


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LocalError(ErrorCode.MALFORMED, f"{option} is a day: yyyy-mm-dd") from None


def _print(people: list[dict[str, Any]], *, acts: bool) -> None:
    """The register, and what was done in whose name if that is asked for."""
    if not people:
        _say("Nobody is known here yet: import a file, or patchwork-node people add.")
    for item in people:
        since = f" since {day_of(item['since'])}" if item["since"] is not None else ""
        closed = item["closed_at"]
        until = f", closed {day_of(closed)}" if closed is not None else ""
        refused = ", mail to them is refused" if item["mail_refused"] else ""
        _say(f"{item['name']}: {KINDS[PersonKind(item['kind'])]}{since}{until}{refused}")
        for role, title in (("duty", "on duty"), ("manager", "manager")):
            if item[role]:
                _say(f"    {title}: {', '.join(team or 'all teams' for team in item[role])}")
        for away in item["away"]:
            days = f"{day_of(away['from'])} to {day_of(away['until'] - 1)}"
            _say(f"    away {days}, {away['cover'] or 'nobody'} covers")
        for act in item["acts"] if acts else ():
            _say(f"    {day_of(act['at'])}: {DEEDS[act['what']].format(act['subject'])}")


def _say(text: str) -> None:
    out.print(plain(text))
