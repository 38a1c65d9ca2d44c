"""patchwork-node clients: records kept by hand. Parse, ask at the keyboard, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from node.actions import clients as acts
from node.actions.clients import NewClient, PerhapsKnownError
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli.options import (
    Address,
    Born,
    Client,
    Family,
    Folder,
    Given,
    HubName,
    JsonOutput,
    NhsNumber,
    PersonName,
    Postcode,
)
from node.cli.printing import plain, print_status
from node.cli.prompts import TODAY, chosen, is_day, typed_record
from node.records.search import MOST_FOUND
from node.service import NodeService
from node.store.merges import Preset
from node.views.bases import presettable
from node.views.clients import Scope, Wanted
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from runtime.cli import asked, make_cli, report_errors, tell

app = make_cli("clients", "Your own clients: add, find, correct, close, merge.")
out = Console(soft_wrap=True, markup=False, highlight=False)
Result = TypeVar("Result")

Work = Annotated[
    int | None, typer.Option("--work", help="Only this piece of work, by its number in show.")
]


@app.command()
def preset(
    name: Annotated[str, typer.Argument(help="A name for it.")] = "usual",
    service: Annotated[str, typer.Option(help="The charter's type; asked for if left out.")] = "",
    label: Annotated[str, typer.Option(help="What you call the service.")] = "",
    team: Annotated[str, typer.Option(help="The team.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis; asked for if left out.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long a permission holds.")] = 365,
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Say once what a client gets whom you add by hand: service, team and lawful basis."""
    with report_errors():

        async def work() -> Preset:
            async with open_service(folder, hub) as opened:
                types, bases = await opened.read(presettable)
                kind = service or chosen("Service", "--service", types)
                by = basis or chosen("Lawful basis", "--basis", bases)
                made = Preset(name, kind, label or None, team or None, by, days)
                await acts.put_preset(opened, made)
                return made

        made = asyncio.run(work())
        out.print(
            f"Kept: {made.type} on {made.basis}, {counted(made.days, 'day')}. Now: clients add."
        )


@app.command()
def add(
    given: Given = "",
    family: Family = "",
    born: Born = "",
    postcode: Postcode = "",
    address: Address = "",
    nhs_number: NhsNumber = "",
    own_id: Annotated[str, typer.Option("--id", help="Your own id; made if left out.")] = "",
    consent: Annotated[str, typer.Option(help="The day they agreed, or today.")] = "",
    preset: Annotated[str, typer.Option(help="Which preset; the first if left out.")] = "",
    new: Annotated[bool, typer.Option("--new", help="I looked: it is none of mine.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Add a client and publish them; asks for what is left out."""
    with report_errors():
        typed = {"given": given, "family": family, "date_of_birth": born, "postcode": postcode,
                 "address": address, "nhs_number": nhs_number}  # fmt: skip
        typed = typed_record(typed)

        async def work(service: NodeService, person: int) -> str:
            day = consent or await _ask_consent(service, preset)
            wanted = NewClient(typed, own_id, preset, day, new)
            try:
                return await acts.add_client(service, wanted, person)
            except PerhapsKnownError as known:
                _look_at(known)
                return await acts.add_client(service, replace(wanted, is_new=True), person)

        local_id = _in_service(folder, hub, practitioner, work)
        said = f"Added and published as {local_id}. After the next round patchwork-node team "
        tell({"client": local_id}, f"{said}{local_id} shows whom others have.", as_json=as_json)


@app.command("list")
def list_clients(
    text: Annotated[str, typer.Argument(help="Name, id, birth date or postcode, or near.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those I work with.")] = False,
    team: Annotated[bool, typer.Option("--team", help="Only those of my teams.")] = False,
    page: Annotated[int, typer.Option(min=1, help="Which page of a list without text.")] = 1,
    practitioner: PersonName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Find your own clients, or list them by name; slips of the keyboard are forgiven."""
    with report_errors():
        if mine and team:
            raise LocalError(ErrorCode.NOT_READY, "say --mine or --team, not both")
        scope: Scope = "mine" if mine else "team" if team else "all"
        found = asyncio.run(acts.find_clients(folder, Wanted(text, scope, page), practitioner))
        if as_json:
            typer.echo(json.dumps(found))
        else:
            _print_list(found, text, page)


@app.command()
def status(as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show how good your records are, by service: what lets your clients be found."""
    with report_errors():
        value = asyncio.run(acts.status_of(folder))
        if as_json:
            typer.echo(json.dumps(value))
        else:
            print_status(out, value)


@app.command()
def show(client: Client, as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show a client and all work with them."""
    with report_errors():
        value = asyncio.run(acts.show_client(folder, client))
        if as_json:
            typer.echo(json.dumps(value))
        else:
            _print_client(value)


@app.command()
def correct(
    client: Client,
    given: Given = "",
    family: Family = "",
    born: Born = "",
    postcode: Postcode = "",
    address: Address = "",
    nhs_number: NhsNumber = "",
    clear: Annotated[list[str] | None, typer.Option(help="A field to empty (repeat).")] = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Say what is right. It holds until your own system says something else than it does today."""
    with report_errors():
        typed = {"given": given, "family": family, "date_of_birth": born, "postcode": postcode,
                 "address": address, "nhs_number": nhs_number}  # fmt: skip
        cleared = [name.replace("-", "_") for name in clear or []]
        if not any(typed.values()) and not cleared:
            raise LocalError(ErrorCode.NOT_READY, "say what is right, as --postcode LX3 4AB")
        _in_service(
            folder, hub, practitioner,
            lambda service, by: acts.correct_client(service, client, typed, cleared, by),
        )  # fmt: skip
        out.print("Corrected, and published.")


@app.command()
def close(
    client: Client,
    work: Work = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """End work with a client, all or one piece; the hub is told at once."""
    with report_errors():
        count = _in_service(
            folder, hub, practitioner,
            lambda service, by: acts.close_work(service, client, work, by),
        )  # fmt: skip
        out.print(f"Closed: {count}. No import opens it again; clients reopen does.")


@app.command()
def reopen(
    client: Client,
    work: Work = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Let work with a client go on that is over. A permission that was withdrawn stays so."""
    with report_errors():
        count = _in_service(
            folder, hub, practitioner,
            lambda service, by: acts.reopen_work(service, client, work, by),
        )  # fmt: skip
        out.print(f"Going on again: {count}.")


@app.command()
def confirm(
    client: Client,
    work: Work = None,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Say that work with a client goes on, all or one piece."""
    with report_errors():
        count = _in_service(
            folder, hub, practitioner,
            lambda service, by: acts.confirm_work(service, client, work, by),
        )  # fmt: skip
        out.print(f"Confirmed: {count}.")


@app.command()
def unconfirmed(as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show work that neither a file nor a person has confirmed for as long as the charter says."""
    with report_errors():
        found = asyncio.run(acts.unconfirmed_work(folder))
        if as_json:
            typer.echo(json.dumps(found))
            return
        for item in found:
            parts = (item["client"], item["label"] or item["type"], item["team"])
            out.print(plain(", ".join(part for part in parts if part)))
        out.print(
            "Does it go on? patchwork-node clients confirm CLIENT, or clients close CLIENT."
            if found
            else "Everything that goes on has been confirmed."
        )


@app.command()
def merge(
    client: Client,
    into: Annotated[str, typer.Option(help="The id that the one client goes by.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Say that two of your clients are one person; patchwork-node clients part takes it back."""
    with report_errors():
        _in_service(
            folder, hub, practitioner,
            lambda service, by: acts.merge_clients(service, client, into, by),
        )  # fmt: skip
        out.print(f"One client from now on: {into}. If it was wrong: clients part {client}.")


@app.command()
def part(
    client: Client, practitioner: PersonName = "", hub: HubName = "", folder: Folder = Path()
) -> None:
    """Take a merge back: they were two. What came by imports since is sorted by the next one."""
    with report_errors():
        count = _in_service(
            folder, hub, practitioner, lambda service, by: acts.part_clients(service, client, by)
        )
        out.print(f"Two clients again; {counted(count, 'piece')} of work went back to {client}.")


@app.command()
def family(
    client: Client,
    with_: Annotated[str, typer.Option("--with", help="Another of your clients.")] = "",
    relation: Annotated[str, typer.Option(help="What they are of the first: sister.")] = "",
    without: Annotated[str, typer.Option(help="Who is no family after all.")] = "",
    folder: Folder = Path(),
) -> None:
    """Show who of your clients is a client's family, or say it. It stays here."""
    with report_errors():
        if bool(with_) != bool(relation):
            raise LocalError(ErrorCode.NOT_READY, "say both, --with ID and --relation sister")
        for one in asyncio.run(acts.family_of(folder, client, (with_, relation), without)):
            of = f"whose {one.relation} is {client}" if one.of_them else one.relation
            out.print(plain(f"{one.local_id}: {of}"))


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


async def _ask_consent(service: NodeService, name: str) -> str:
    """The day of consent, where the preset rests on consent and somebody is at the keyboard."""
    presets = await service.read(lambda tables, _: tables.merges.presets())
    chosen = [one for one in presets if name in ("", one.name)]
    basis = service.membership.agreement.basis(chosen[0].basis) if chosen else None
    if basis is None or basis.permission_class != "consent" or not sys.stdin.isatty():
        return ""
    return asked("On which day did they agree to be found", is_day, TODAY)


def _look_at(known: PerhapsKnownError) -> None:
    """Show who may be meant, and go on if a person says that it is somebody new."""
    if known.alike:
        out.print("You have somebody like this already:")
    for client in known.alike:
        record = client.record
        names = (client.local_id, record.given, record.family, record.date_of_birth)
        out.print("  " + plain(", ".join(name for name in names if name)))
    if known.withdrew:
        out.print(
            "Somebody like this withdrew their permission, and the record was deleted: add them "
            "only if they have agreed again since."
        )
    if not sys.stdin.isatty():
        raise known
    typer.confirm("Is it somebody else, to be added as new?", abort=True)


def _print_list(found: dict[str, Any], text: str, page: int) -> None:
    for item in found["clients"]:
        out.print(_line(item))
    if text.strip():
        if found["more"]:
            out.print(f"At most {MOST_FOUND} are shown. Say more of them to find others.")
        if not found["clients"]:
            out.print("Nobody here is called that, or nearly. Try fewer words.")
    else:
        out.print(
            f"{counted(found['count'], 'client')}." + (f" More: --page {page + 1}." * found["more"])
        )


def _line(item: dict[str, Any]) -> str:
    names: Sequence[str | None] = (
        item["client"], item["given"], item["family"], item["date_of_birth"], item["postcode"],
    )  # fmt: skip
    going = f"{item['going_on']} going on" if item["going_on"] else "closed"
    return plain(", ".join([name for name in names if name] + [going]))


def _print_client(value: dict[str, Any]) -> None:
    record = (value[name] for name in ("given", "middle", "family", "date_of_birth", "postcode"))
    out.print(plain(f"{value['client']}: {', '.join(text for text in record if text)}"))
    if value["held"]:
        out.print("Held back until you say who it is: patchwork-node held.")
    if value["withheld"]:
        out.print("Withheld by two of your people: patchwork-node withhold list.")
    for work in value["work"]:
        parts = [work["label"] or work["type"], work["team"], work["state"], *work["workers"]]
        permission = f"permission {work['permission'].replace('_', ' ')}"
        text = ", ".join(part for part in [*parts, permission] if part)
        out.print(plain(f"{work['number']}. {text}"))
