"""patchwork-node charter: read a sharing agreement, and sign it (specs/02-charter.md §7).

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.actions.membership import newest_agreement, sign_agreement
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Folder, HubName, JsonOutput, PersonName
from node.views.agreement import Agreement, agreement_of
from protocol.governance.charter_words import Section
from runtime.cli import make_cli, report_errors

app = make_cli("charter", "Read the sharing agreement in force, and sign a new one.")
out = Console(soft_wrap=True, markup=False, highlight=False)

SIGN = "Sign this sharing agreement for your agency?"


@app.command()
def show(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show what the agreement in force says, and how it differs from the one that was signed."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                charter = await newest_agreement(service)
                if as_json:
                    document = charter.model_dump(mode="json")
                    typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
                else:
                    _describe(await service.oversee(agreement_of))

        asyncio.run(work())


@app.command()
def accept(
    hub: HubName = "",
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking again.")] = False,
    practitioner: PersonName = "",
    folder: Folder = Path(),
) -> None:
    """Sign the agreement in force for your agency; a running node obeys it from then on."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                await newest_agreement(service)
                agreement = await service.oversee(agreement_of)
                if agreement.signed == agreement.version:
                    out.print(f"Your agency has signed version {agreement.signed} already.")
                    return
                _describe(agreement)
                if not yes:
                    typer.confirm(SIGN, abort=True)
                version = await sign_agreement(service, person)
                out.print(f"Signed version {version}. It is in the log.")

        asyncio.run(work())


def as_text(sections: Iterable[Section]) -> str:
    """What an agreement says, for a file."""
    return "".join(
        f"{section.title}\n" + "".join(f"  {line}\n" for line in section.lines)
        for section in sections
    )


def print_sections(sections: Iterable[Section]) -> None:
    """What an agreement says, part by part."""
    for section in sections:
        out.print(section.title, style="bold")
        for line in section.lines:
            out.print(f"  {line}")


def _describe(found: Agreement) -> None:
    out.print(f"{found.hub}: sharing agreement version {found.version}.")
    print_sections(found.says)
    if found.signed is not None:
        out.print(f"Your agency signed version {found.signed}.")
    for title, sentences in (
        ("It loosens:", found.loosened),
        ("It tightens:", found.tightened),
        ("It also changes:", found.neutral),
    ):
        if sentences:
            out.print(title)
        for sentence in sentences:
            out.print(f"  - {sentence}")
    if not found.binds:
        out.print(
            "It does not bind your agency yet: nothing is published, asked or answered by rule "
            "until you sign it with patchwork-node charter accept. Withdrawals go through."
        )
    else:
        out.print("It binds your agency.")
