"""patchwork-node forget: what is over goes when its time is over. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions.forgetting import forget_in
from node.cli.options import Folder, JsonOutput
from protocol.counted import counted
from runtime.cli import report_errors

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)

GONE = {
    "clients": "clients, with all that was kept of them",
    "withdrew": "of these had withdrawn, and leave keyed hashes behind",
    "requests": "requests",
    "drafts": "requests that were begun and never sent",
    "checks": "identity checks",
    "acts": "notes of who did what",
    "absences": "absences",
    "alarms": "alarms",
    "alerts": "alerts for your lead for information governance",
    "news": "lines of people's news",
    "statements": "statements that were sent",
    "attention": "attention that was raised",
    "set_aside": "things that were set aside",
    "doubts": "doubts about files that somebody had agreed to",
    "hashes": "keyed hashes of people who withdrew",
    "lists": "lists of missing work",
    "enquiries": "people who were enquired about, with all that was kept of that",
}
STAYS = {
    "withheld": "withheld, or proposed to be",
    "held": "a person has to say first who they are: patchwork-node held",
    "published": "a hub still has them: past work is still seen, or publish has not run",
    "request": "a request is under way",
    "check": "an identity check is under way",
    "card": "a card is here, or still out at another agency",
    "statement": "the hub has not confirmed yet what this node said",
    "alert": "your lead has not seen an alert: patchwork-node alerts",
    "no_time": "withdrew, and nobody has said how long their hashes stay (keep_withdrawn_days)",
    "findable": "withdrew, but work goes on that is always findable",
}
DAYS = {
    "closed_clients": "closed clients",
    "requests": "requests and identity checks",
    "news": "news",
    "withdrawn": "hashes of who withdrew",
}


@app.command()
def forget(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing: show what would go.")
    ] = False,
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Delete what is over and has been kept long enough, or only show what would go.

    How long says the sharing agreement, or your settings where they say less. The running node does
    it once a day.
    """
    with report_errors():
        report = asyncio.run(forget_in(folder, dry_run=dry_run))
        if as_json:
            typer.echo(json.dumps(report))
        else:
            print_report(report)


def print_report(report: dict[str, Any]) -> None:
    """What went or would go, what stays and why, and for how long things are kept."""
    said = [f"  {GONE[kind]}: {count}" for kind, count in report["gone"].items() if count]
    verb = "Would go:" if report["dry_run"] else "Gone:"
    out.print("\n".join([verb, *said]) if said else "Nothing is due to go.")
    if report["stays"]:
        out.print("Clients who stay though their time is over:")
        for why, count in report["stays"].items():
            out.print(f"  {count}: {STAYS[why]}")
    for kind, days in report["days"].items():
        kept = (
            f"for {counted(days, 'day')}"
            if days is not None
            else "for ever: nobody has said how long"
        )
        out.print(f"Kept {kept}: {DAYS[kind]}.")
    if not report["settled"]:
        out.print(
            "Somebody is reading the database just now, so that what is gone may still be in its "
            "files: run this again."
        )
