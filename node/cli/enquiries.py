"""patchwork-node enquire: who works with somebody who is not your client. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions import enquiries as acts
from node.actions.enquiries import NewEnquiry
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import (
    Address,
    Born,
    Family,
    Folder,
    Given,
    HubName,
    JsonOutput,
    NhsNumber,
    PersonName,
    Postcode,
)
from node.cli.printing import day_of, plain
from node.cli.prompts import choose, confirm, role_among, said, typed_record
from node.views.enquiries import enquirable, enquiries_value, terms_value
from node.views.people import roles_of
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from runtime.cli import make_cli, report_errors

app = make_cli("enquire", "Ask who works with somebody who is not your client: new, list, close.")
out = Console(soft_wrap=True, markup=False, highlight=False)


@app.command()
def new(
    role: Annotated[
        str, typer.Option(help="Your role, as the charter names it; left out: as your record says.")
    ] = "",
    given: Given = "",
    family: Family = "",
    born: Born = "",
    postcode: Postcode = "",
    address: Address = "",
    nhs_number: NhsNumber = "",
    purpose: Annotated[str, typer.Option(help="Purpose code; asked for if left out.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis code; asked for if left out.")] = "",
    fact: Annotated[list[str] | None, typer.Option(help="field=value (repeat).")] = None,
    is_new: Annotated[bool, typer.Option("--new", help="I looked: it is none of mine.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Enquire about somebody; asks for what is left out, and says who will see that you did."""
    with report_errors():
        typed = {"given": given, "family": family, "date_of_birth": born, "postcode": postcode,
                 "address": address, "nhs_number": nhs_number}  # fmt: skip

        async def work() -> dict[str, Any]:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                terms = await service.read(partial(terms_value, practitioner=person))
                _say_terms(terms, quiet=as_json)
                told = typed_record(typed)
                grounds = choose(await service.read(enquirable), said(purpose, basis, fact))
                as_what = role or role_among(await service.read(partial(roles_of, person=person)))
                if not yes:
                    confirm("Enquire?")
                new_one = NewEnquiry(told, as_what, grounds, is_new)
                return await acts.enquire(service, new_one, person)

        value = asyncio.run(work())
        if as_json:
            typer.echo(json.dumps(value))
            return
        local_id = value["enquiry"]
        out.print(f"Enquired, as {local_id}, until {day_of(value['until'])}. After the next round")
        out.print(f"patchwork-node team {local_id} shows whom others have, and when that round is.")


@app.command("list")
def list_enquiries(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show whom your organisation enquires about, who did and what came of it."""
    with report_errors():

        async def work() -> list[dict[str, Any]]:
            async with open_service(folder, hub) as service:
                return await service.read(enquiries_value)

        found = asyncio.run(work())
        if as_json:
            typer.echo(json.dumps(found))
            return
        for item in found:
            _print(item)
        if not found:
            out.print("Your organisation enquires about nobody.")


@app.command()
def close(
    enquiry: Annotated[str, typer.Argument(help="The enquiry's id, from the list.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """End an enquiry before its time: the others see at once that it is over."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                await acts.close_enquiry(service, enquiry, person)

        asyncio.run(work())
        out.print("Closed. Nobody is shown this enquiry any more.")


def _say_terms(terms: dict[str, Any] | None, *, quiet: bool) -> None:
    """Who will see it, and how much is left. Raises LocalError where the charter knows none."""
    if terms is None:
        raise LocalError(ErrorCode.NOT_ALLOWED, "the sharing agreement knows no enquiries")
    if quiet:
        return
    seen_by = ", ".join(plain(title) for title in terms["seen_by"])
    out.print(f"For {counted(terms['days'], 'day')} whoever works with them sees that you ask,")
    out.print(f"if they are of these kinds: {seen_by}.")
    out.print(f"You have {counted(terms['left_today'], 'enquiry')} left today.")


def _print(item: dict[str, Any]) -> None:
    name = plain(" ".join(item[part] or "" for part in ("given", "family")).strip())
    state = f"until {day_of(item['until'])}" if item["goes_on"] else "over"
    out.print(f"{item['enquiry']}  {name}, born {item['date_of_birth'] or 'not known'}: {state}")
    for asked in item["asked"]:
        says = f": {asked['says']}" if asked["says"] else ""
        by = plain(asked["by"] or "somebody")
        out.print(f"    {by}, {day_of(asked['at'])}, on {asked['basis']}: {asked['state']}{says}")
