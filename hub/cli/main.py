"""patchwork-hub: parse, call, print. The council operator's commands.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from hub.cli.folder import Folder, JsonOutput, out
from hub.matching.explain import explain_link, links_in_short
from hub.members.founding import Terms
from hub.members.office import (
    Candidate,
    FirstCharter,
    Plan,
    approve,
    candidates,
    ceremony_terms,
    found_federation,
    make_duty_desk,
    make_hub,
    make_invitation,
    order,
    parse_witness,
    read_plan,
    rename,
    resize,
)
from hub.members.wishes import wishes
from hub.store.members import MemberStatus
from hub.store.tables import HubTables, opened
from protocol.errors import ErrorCode, LocalError
from protocol.fields import to_base64
from protocol.governance.ceremony import (
    CEREMONY_LIMIT,
    CeremonyTerms,
    HolderRecord,
    SignedTranscript,
)
from protocol.governance.charter import DutyDesk
from protocol.governance.directory import MOST_FOUNDING_DAYS
from protocol.wire import encode_wire, parse_wire
from runtime.cli import add_later, make_cli, report_errors
from runtime.environment import Environment

app = make_cli("patchwork-hub", "Run a council's hub: enrol agencies, match, broker, keep the log.")
add_later(
    app,
    "hub.cli.log",
    {
        "erase": (
            "Erase what the charter's retention rules say is due; the running hub does so "
            "every hour."
        ),
    },
)
add_later(
    app,
    "hub.cli.backup",
    {
        "backup": "Write an encrypted backup, also while the hub runs. The pepper is not in it.",
        "restore": (
            "Make a hub's folder from a backup. It signs only if no witness has seen a longer log."
        ),
    },
)
add_later(
    app,
    "hub.cli.succeed",
    {
        "succeed": (
            "Begin a new log after the old one was lost; prints its genesis and its verifier key."
        ),
    },
)
add_later(
    app,
    "hub.cli.figures",
    {
        "figures": (
            "Show how much each agency publishes and how fresh it is, as it said last; in tens and "
            "tenths, so that no small number can be worked out."
        ),
    },
)
add_later(
    app,
    "hub.cli.wishes",
    {"asked-for": "Show which organisations members ask you to invite, and whom to call there."},
)
add_later(
    app,
    "hub.cli.status",
    {
        "status": (
            "Say whether contact details can move, if not why and since when. Exit code 1: "
            "they cannot."
        ),
    },
)
add_later(
    app,
    "hub.cli.charter",
    {"charter": "Show the sharing agreement, and change it while the hub serves."},
)
add_later(
    app,
    "hub.cli.policy",
    {"policy": "Fit and measure a match-key policy on records whose truth is known."},
)

Result = TypeVar("Result")


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The hub's name.")],
    origin: Annotated[str, typer.Option(help="The log's origin, e.g. hub.example/log.")],
    control_domain: Annotated[str, typer.Option(help="Who controls this hub.")],
    folder: Folder = Path(),
) -> None:
    """Make a new hub's keys and folder; prints the charter id."""
    with report_errors():
        env = Environment()
        plan = Plan(env.new_id(), name, control_domain, origin)
        make_hub(folder, plan, env)
        out.print(plan.charter_id)


@app.command()
def ceremony(
    holder: Annotated[list[Path], typer.Option(help="A key holder's public record (repeat).")],
    threshold: Annotated[int, typer.Option(help="How many holders it takes.")] = 2,
    folder: Folder = Path(),
) -> None:
    """Write terms.json, which every key holder needs to deal and combine."""
    with report_errors():
        plan = read_plan(folder)
        holders = [parse_wire(HolderRecord, path.read_bytes()) for path in holder]
        terms = ceremony_terms(plan, holders, threshold)
        (folder / "terms.json").write_bytes(encode_wire(terms))
        out.print("terms.json is ready: give it to every key holder.")


@app.command("found")
def found(
    transcript: Annotated[list[Path], typer.Option(help="A holder's signed transcript (repeat).")],
    witness: Annotated[
        list[str], typer.Option(help="'VKEY;control domain' of a witness (repeat).")
    ],
    quorum: Annotated[int, typer.Option(help="How many witnesses must sign.")],
    founding_days: Annotated[
        int, typer.Option(help="Who joins within these days needs no endorsement; at most 60.")
    ] = MOST_FOUNDING_DAYS,
    cooling_days: Annotated[
        int | None, typer.Option(help="How long a later member waits for key holders; usually 7.")
    ] = None,
    duty_desk: Annotated[
        str, typer.Option(help="Who answers at once; asked for if left out.")
    ] = "",
    duty_phone: Annotated[str, typer.Option(help="Its telephone; asked for if left out.")] = "",
    duty_hours: Annotated[str, typer.Option(help="When it answers; asked for if left out.")] = "",
    folder: Folder = Path(),
) -> None:
    """Write the first charter into the log; prints the genesis fingerprint."""
    with report_errors():
        desk = _duty_desk(duty_desk, duty_phone, duty_hours)
        data = (folder / "terms.json").read_bytes()
        terms = parse_wire(CeremonyTerms, data, limit=CEREMONY_LIMIT)
        transcripts = [
            parse_wire(SignedTranscript, path.read_bytes(), limit=CEREMONY_LIMIT)
            for path in transcript
        ]
        witnesses = [parse_witness(text) for text in witness]
        first = FirstCharter(witnesses, quorum, desk, Terms(founding_days, cooling_days))
        genesis = found_federation(folder, terms, transcripts, first, Environment())
        out.print(asyncio.run(genesis))


@app.command()
def invite(folder: Folder = Path()) -> None:
    """Make a one-time invitation, to be handed to one new member; prints it."""
    with report_errors():
        invitation = asyncio.run(make_invitation(folder, Environment()))
        typer.echo(to_base64(encode_wire(invitation)))


@app.command()
def members(
    folder: Folder = Path(),
    approved: Annotated[
        str, typer.Option("--approve", help="Party id whose words you compared.")
    ] = "",
    words: Annotated[str, typer.Option(help="The words as the newcomer read them to you.")] = "",
    suspend: Annotated[str, typer.Option(help="Stop a member at once, by party id.")] = "",
    reinstate: Annotated[str, typer.Option(help="Let a suspended member go on.")] = "",
    revoke: Annotated[str, typer.Option(help="Stop a member for good.")] = "",
    renamed: Annotated[
        str, typer.Option("--rename", help="Call a member by another --name, by party id.")
    ] = "",
    name: Annotated[str, typer.Option(help="The new name; everybody is told.")] = "",
    resized: Annotated[
        str, typer.Option("--resize", help="A member has --clients now, by party id.")
    ] = "",
    clients: Annotated[int, typer.Option(min=0, help="How many clients it has, about.")] = 0,
    as_json: JsonOutput = False,
) -> None:
    """Show who applied and who is a member; approve, stop, reinstate, rename or resize one."""
    asked = {
        MemberStatus.SUSPENDED: suspend,
        MemberStatus.ACTIVE: reinstate,
        MemberStatus.REVOKED: revoke,
    }
    orders = {status: party_id for status, party_id in asked.items() if party_id}
    with report_errors():
        if orders:
            for status, party_id in orders.items():
                _write(folder, _ordering(party_id, status))
                out.print("Ordered. The running hub writes it into the log.")
        elif renamed:
            _write(folder, lambda tables: rename(tables, renamed, name))
            out.print("Ordered. The running hub writes the new name into the log.")
        elif resized:
            _write(folder, lambda tables: resize(tables, resized, clients))
            out.print("Ordered. The running hub writes the size into the log.")
        elif approved:
            _write(folder, lambda tables: approve(tables, approved, words))
            out.print("Approved. The running hub writes the membership into the log.")
        else:
            _show(_read(folder, candidates), as_json=as_json)
            missed = len(_read(folder, wishes))
            if missed and not as_json:
                out.print(f"Members ask you to invite {missed} more: patchwork-hub asked-for")


@app.command()
def explain(
    link: Annotated[str, typer.Argument(help="A link's or hint's id; without one, all.")] = "",
    folder: Folder = Path(),
) -> None:
    """Say in words why two records are linked, or wait for people; of a hint, whom to call. No
    values: there are none.
    """
    now = Environment().clock()
    with report_errors():
        if link:
            lines = _read(folder, lambda tables: explain_link(tables, link, now))
        else:
            lines = _read(folder, links_in_short)
        for line in lines or ["There are no links."]:
            out.print(line)


@app.command()
def serve(folder: Folder = Path()) -> None:
    """Run the hub until stopped."""
    # Late: no other command here serves, and the web server is large.
    from hub.config import load_settings
    from hub.server.service import HubService

    with report_errors():
        service = HubService(folder, load_settings(folder), Environment())
        asyncio.run(service.run(lambda port: typer.echo(f"hub listening on port {port}")))


def _duty_desk(name: str, phone: str, hours: str) -> DutyDesk:
    """Somebody real to call: every team shows it, so nothing stands in for it."""
    if not (name and phone and hours) and not sys.stdin.isatty():
        raise LocalError(
            ErrorCode.NOT_READY,
            "say whom everybody can call at once: --duty-desk NAME --duty-phone NUMBER "
            "--duty-hours HOURS. It stands under every team",
        )
    return make_duty_desk(
        name or typer.prompt("Who answers at once (for example the emergency duty team)"),
        phone or typer.prompt("Its telephone number"),
        hours or typer.prompt("When it answers"),
    )


def _show(found: list[Candidate], *, as_json: bool) -> None:
    rows = [
        {
            "party_id": item.party_id,
            "name": item.name,
            "class": item.member_class,
            "clients": item.clients,
            "state": item.state,
            "words": item.words,
        }
        for item in found
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        who = f"{row['name']} ({row['class']}, {row['clients']} clients)"
        out.print(f"{row['party_id']}  {who}: {row['state']}")
        out.print(f"    {row['words']}")
    if not rows:
        out.print("Nobody has applied yet.")


def _ordering(party_id: str, status: MemberStatus) -> Callable[[HubTables], None]:
    return lambda tables: order(tables, party_id, status)


def _write(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def write() -> Result:
        async with opened(folder) as engine:
            return await engine.write(body)

    return asyncio.run(write())


def _read(folder: Path, body: Callable[[HubTables], Result]) -> Result:
    async def read() -> Result:
        async with opened(folder) as engine:
            return await engine.read(body)

    return asyncio.run(read())


def main() -> None:
    """The console script."""
    app()
