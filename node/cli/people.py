"""patchwork-node: the commands by which people decide. Parse, call, print.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.actions import cards
from node.actions import people as acts
from node.actions.register import who_acts
from node.actions.session import open_service
from node.cli import printing
from node.cli.alerts import print_alerts
from node.cli.options import Folder, HubName, JsonOutput, PersonName
from node.cli.prompts import choose, said
from node.identity_checks.comparing import Comparison, Found
from node.identity_checks.initiating import IdentityCheckRequest
from node.links.review import Opinion, RestsOn, Said
from node.records.duplicates import duplicates as find_duplicates
from node.requests.without_quorum import Urgent
from node.views.bases import offered
from node.views.governance import governance_value
from node.views.review import duplicates_value, other_end, queue_value
from protocol.errors import ErrorCode, LocalError
from protocol.requests.refusals import RefusalCode
from runtime.cli import report_errors, tell

app = typer.Typer()
out = Console(soft_wrap=True, markup=False, highlight=False)
err = Console(soft_wrap=True, markup=False, highlight=False, stderr=True)

Same = Annotated[bool, typer.Option("--same", help="It is the same person.")]
NotSame = Annotated[bool, typer.Option("--not-same", help="These are two people.")]


@app.command()
def review(
    link: Annotated[str, typer.Argument(help="A link's id from the list; none: the list.")] = "",
    same: Same = False,
    not_same: NotSame = False,
    by_check: Annotated[
        bool, typer.Option("--by-identity-check", help="Your answer rests on an identity check.")
    ] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show the links that wait for a person, or say what one is."""
    with report_errors():
        said = _one_of({"same": same, "not_same": not_same}) if link else None

        async def work() -> None:
            async with open_service(folder, hub) as service:
                if said is None:
                    _show(await service.read(queue_value), as_json=as_json)
                    return
                person = await who_acts(service, practitioner)
                rests_on: RestsOn = "identity_check" if by_check else "records"
                opinion = Opinion(link, _as_said(said), person, rests_on)
                await acts.say_now(service, opinion)
                out.print("Your answer is in the council's log.")

        asyncio.run(work())


@app.command("identity-check")
def identity_check(
    link: Annotated[str, typer.Argument(help="A link's id from patchwork-node review.")],
    role: Annotated[str, typer.Option(help="Your role, as the charter names it.")],
    purpose: Annotated[str, typer.Option(help="Purpose code; asked for if left out.")] = "",
    basis: Annotated[str, typer.Option(help="Lawful basis code; asked for if left out.")] = "",
    fact: Annotated[list[str] | None, typer.Option(help="field=value (repeat).")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask again: the other side is told who asks.")
    ] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Have name, birth date and postcode compared by the organisation at the other end, which is
    told at once who asks and why.
    """
    talk = err if as_json else out
    with report_errors():

        async def work() -> str:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                to = await service.read(partial(other_end, link_id=link))
                talk.print(f"This goes to {printing.plain(to)}.")
                most = service.membership.charter.quotas.identity_checks_per_day
                for line in printing.TELLS_THEM:
                    talk.print(line.format(most))
                chosen = choose(await service.read(offered), said(purpose, basis, fact))
                if not yes:
                    typer.confirm("Ask now?", abort=True)
                why = (chosen.purpose, chosen.basis, chosen.facts)
                return await acts.check_now(service, IdentityCheckRequest(link, person, role, *why))

        check_id = asyncio.run(work())
        said_so = f"Identity check {check_id}: the hub is deciding. See patchwork-node review."
        tell({"check_id": check_id}, said_so, as_json=as_json)


@app.command("identity-answer")
def identity_answer(
    check: Annotated[str, typer.Argument(help="The check's id from patchwork-node review.")],
    same: Same = False,
    not_same: NotSame = False,
    cannot_say: Annotated[bool, typer.Option("--cannot-say", help="It stays open.")] = False,
    refuse: Annotated[RefusalCode | None, typer.Option(help="Do not answer, with this code.")] = (
        None
    ),
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Answer an identity check, after you compared their details with your record."""
    with report_errors():
        given = {"same": same, "not_same": not_same, "cannot_say": cannot_say}
        found = _one_of({**given, "refuse": refuse is not None})

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                result = Comparison(check, person, _as_found(found), refuse)
                await acts.answer_now(service, result)

        asyncio.run(work())
        out.print("Your answer is in the council's log. Their details are deleted here.")


@app.command("wrong-person")
def wrong_person(
    request: Annotated[str, typer.Argument(help="The request's id, from the inbox.")],
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Say that a card was about the wrong person: it is recalled and the link ends."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                await acts.recall_now(service, request, person)

        asyncio.run(work())
        out.print(
            "The link has ended and the other organisation is told. Tell your lead for "
            "information governance: patchwork-node alerts."
        )


@app.command()
def recall(
    request: Annotated[str, typer.Argument(help="The request's id, from the inbox.")],
    keep: Annotated[
        bool, typer.Option("--keep", help="It stays, though the permission was withdrawn.")
    ] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Have a card deleted that you released, without saying why; or decide that it stays."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                await (cards.keep_now if keep else cards.take_back_now)(service, request, person)

        asyncio.run(work())
        out.print(
            "The card stays until its time is over."
            if keep
            else "The other organisation's node is told to delete the card. patchwork-node inbox "
            "shows when it has stated so; what was read or copied stays so."
        )


@app.command("release-now")
def release_now(
    request: Annotated[str, typer.Argument(help="The request's id, from the inbox.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    folder: Folder = Path(),
) -> None:
    """Life or death, and witnesses are away: let an allowed card go before they have signed."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner)
                await acts.may_let_go(service, request)
                for line in printing.WITHOUT_WITNESSES:
                    out.print(line)
                if not yes:
                    typer.confirm("Let the card go now?", abort=True)
                await acts.let_go_now(service, Urgent(request, person))

        asyncio.run(work())
        out.print(
            "The card is on its way. Your lead for information governance is told: "
            "patchwork-node alerts."
        )


@app.command()
def duplicates(hub: HubName = "", as_json: JsonOutput = False, folder: Folder = Path()) -> None:
    """Show which of your own clients look like one person twice; nobody else is told."""
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                found = await service.read(find_duplicates)
            if as_json:
                typer.echo(json.dumps(duplicates_value(found)))
            else:
                printing.print_duplicates(out, found)

        asyncio.run(work())


@app.command()
def alerts(
    seen: Annotated[bool, typer.Option("--seen", help="Mark them all as seen.")] = False,
    practitioner: PersonName = "",
    hub: HubName = "",
    as_json: JsonOutput = False,
    folder: Folder = Path(),
) -> None:
    """Show what your lead for information governance must know: recalled cards, and cards that
    left or came before witnesses had signed.
    """
    with report_errors():

        async def work() -> None:
            async with open_service(folder, hub) as service:
                person = await who_acts(service, practitioner) if seen else None
                value = await service.read(governance_value)
                if person is not None:
                    await acts.mark_alerts_seen(service, person)
            if as_json:
                typer.echo(json.dumps(value))
            else:
                print_alerts(out, value)

        asyncio.run(work())


def _show(value: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(value))
    else:
        printing.print_queue(out, value)


def _one_of(given: dict[str, bool]) -> str:
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) != 1:
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        raise LocalError(ErrorCode.NOT_READY, f"say exactly one of: {options}")
    return chosen[0]


def _as_said(word: str) -> Said:
    return "same" if word == "same" else "not_same"


def _as_found(word: str) -> Found:
    found: dict[str, Found] = {"same": "same", "not_same": "not_same"}
    return found.get(word, "cannot_say")
