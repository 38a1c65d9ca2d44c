"""patchwork-node consent: what clients agreed to. Parse, ask at the keyboard, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from node.actions import consents as acts
from node.actions.records import still_findable, withdraw_now
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import Client, Folder, HubName, JsonOutput, PersonName
from node.cli.printing import plain
from node.cli.prompts import ALL, TODAY, chosen, chosen_many, is_day, typed
from node.cli.records import print_withdrawn
from node.records.agreements import Given
from node.service import NodeService
from node.store.consents import How
from node.store.objections import SaidBy
from node.views.consents import Choices
from protocol.errors import ErrorCode, LocalError
from runtime.cli import make_cli, report_errors, tell

app = make_cli("consent", "What your clients agreed to: give, show, withdraw, receipt.")
out = Console(soft_wrap=True, markup=False, highlight=False)
Result = TypeVar("Result")

GIVEN_BY = {
    "client": "The client",
    "parental_responsibility": "Somebody with parental responsibility",
    "young_person": "The young person, who understands what it means (Gillick-competent)",
    "attorney": "Their attorney",
}
HOW = {
    "in_writing": "In writing",
    "in_person": "In person, by word of mouth",
    "by_telephone": "By telephone",
    "by_video": "By video",
    "online": "Online",
}
EVERY_WORK = "everything that goes on"


@app.command()
def give(
    client: Client,
    work: Annotated[str, typer.Option(help="To which work, by its number in show; or all.")] = "",
    by: Annotated[SaidBy | None, typer.Option(help="Who gave it.")] = None,
    how: Annotated[How | None, typer.Option(help="In what way.")] = None,
    on: Annotated[str, typer.Option(help="The day it was given; today, or now.")] = "",
    until: Annotated[str, typer.Option(help="Its last day.")] = "",
    wording: Annotated[str, typer.Option(help="Version of the form, or of what was said.")] = "",
    to: Annotated[
        list[str] | None, typer.Option(help="A class of agency (repeat); or all.")
    ] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="A purpose (repeat); or all.")] = None,
    evidence: Annotated[str, typer.Option(help="Where you keep it; it stays here.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis, if there are several.")] = "",
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Record that a client agreed, and publish at once; asks for what is left out."""
    with report_errors():

        async def work_(service: NodeService, person: int) -> list[int]:
            offers = await acts.consent_choices(service, client)
            code = basis or chosen("Lawful basis", "--basis", offers.bases)
            given = Given(
                client=client,
                work=_work(offers, work),
                given_by=by or SaidBy(chosen("Who gave it", "--by", GIVEN_BY)),
                how=how or How(chosen("How", "--how", HOW)),
                on=on or typed("On which day did they agree", "--on", is_day, TODAY),
                until=until or typed("Until which day", "--until", is_day),
                wording=wording or typed("Wording version of the form", "--wording"),
                classes=chosen_many("To whom", "--to", offers.classes, to),
                purposes=chosen_many(
                    "For what", "--purpose", offers.purposes.get(code, {}), purpose
                ),
                evidence=evidence,
                basis=code,
            )
            return await acts.give_consent(service, given, person)

        numbers = _in_service(folder, hub, practitioner, work_)
        lines = [
            f"Consent {number} is recorded. For the client: consent receipt {number}."
            for number in numbers
        ]
        lines.append(f"To take it back: patchwork-node consent withdraw {plain(client)}.")
        tell({"consents": numbers}, "\n".join(lines), as_json=as_json)


@app.command()
def show(
    client: Client,
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show what a client agreed to, and what became of it."""
    with report_errors():

        async def work() -> dict[str, Any]:
            async with open_service(folder, hub, own=True) as service:
                return await acts.show_consents(service, client)

        value = asyncio.run(work())
        if as_json:
            typer.echo(json.dumps(value))
            return
        for item in value["work"]:
            title = ", ".join(filter(None, (item["label"] or item["type"], item["team"])))
            out.print(plain(f"{item['number']}. {title}"))
            for consent in item["consents"]:
                out.print(plain(f"   {_line(consent)}"))
            if not item["consents"]:
                out.print("   No consent is recorded here.")


@app.command()
def withdraw(
    client: Client,
    work: Annotated[
        int | None, typer.Option("--work", help="Only this piece of work, by its number in show.")
    ] = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Withdraw what was agreed, to all work or one piece, here and at the hub, at once."""
    with report_errors():

        async def work_(service: NodeService, person: int) -> tuple[int, list[str]]:
            count = await withdraw_now(service, client, person, work)
            return count, await still_findable(service, client)

        print_withdrawn(*_in_service(folder, hub, practitioner, work_))


@app.command()
def receipt(
    number: Annotated[int, typer.Argument(help="Its number, from patchwork-node consent show.")],
    to: Annotated[Path, typer.Option(help="The JSON file to write; a page (.txt) goes beside it.")],
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Write a client's receipt: a page to read and keep, and a file by ISO/IEC TS 27560."""
    with report_errors():

        async def work() -> acts.Receipt:
            async with open_service(folder, hub, own=True) as service:
                return await acts.receipt_of(service, number)

        page = to.with_suffix(".txt")
        if page == to or to.exists() or page.exists():
            raise LocalError(
                ErrorCode.CONFLICT, "say the name of a new .json file; a .txt goes beside it"
            )
        made = asyncio.run(work())
        with to.open("x", encoding="utf-8") as file, page.open("x", encoding="utf-8") as text:
            json.dump(made.value, file, indent=1)
            text.write(made.text)
        out.print(f"Written: {to.name} and {page.name}. Nothing of it was sent anywhere.")


def _work(offers: Choices, said: str) -> int | None:
    """The number of a piece of work, None for all; asked for where there are several."""
    if said and said != ALL:
        return int(said) if said.isdecimal() else 0  # which is the number of none
    if said or len(offers.works) == 1:
        return None
    titles = {str(number): title for number, title in offers.works.items()}
    number = chosen("Which work", "--work", {**titles, ALL: EVERY_WORK})
    return None if number == ALL else int(number)


def _in_service(
    folder: Path,
    hub: str,
    name: str,
    work: Callable[[NodeService, int], Awaitable[Result]],
) -> Result:
    async def opened() -> Result:
        async with open_service(folder, hub, own=True) as service:
            return await work(service, await who_acts(service, name))

    return asyncio.run(opened())


def _line(item: dict[str, Any]) -> str:
    whom = ", ".join(item["classes"]) or "all"
    purposes = ", ".join(item["purposes"]) or "all"
    parts = [
        f"Consent {item['consent']}, {item['state']}: {item['given_on']} until {item['until']}",
        f"by {GIVEN_BY[item['given_by']].lower()}, {HOW[item['how']].lower()}",
        f"wording {item['wording']}",
        f"to: {whom}; for: {purposes}",
        f"recorded by {item['recorded_by']} on {_day(item['recorded_at'])}",
    ]
    if item["evidence"]:
        parts.append(f"evidence: {item['evidence']}")
    if item["withdrawn_at"] is not None:
        parts.append(
            f"withdrawn {_day(item['withdrawn_at'])}, taken down by {item['withdrawn_by']}"
        )
    return "; ".join(parts).replace("_", " ")


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%-d %B %Y}"
