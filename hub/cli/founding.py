"""patchwork-hub init, ceremony and found: from a folder to a first charter in the log."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, out
from hub.members.founding import Terms
from hub.members.office import (
    FirstCharter,
    Plan,
    ceremony_terms,
    found_federation,
    make_duty_desk,
    make_hub,
    parse_witness,
    read_plan,
    read_terms,
)
from protocol.contact import require_hours, require_name, require_phone
from protocol.errors import ErrorCode, LocalError
from protocol.governance.ceremony import (
    CEREMONY_LIMIT,
    HolderRecord,
    SignedTranscript,
)
from protocol.governance.charter import DutyDesk
from protocol.governance.directory import MOST_FOUNDING_DAYS
from protocol.wire import encode_wire
from runtime.cli import asked, report_errors
from runtime.environment import Environment
from runtime.handed import read_handed

app = typer.Typer()

HOLDERS_TRANSCRIPT = "a key holder's transcript.json"


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
        holders = [read_handed(HolderRecord, path, "a key holder's public.json") for path in holder]
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
        read_plan(folder)  # before anything is asked
        desk = _duty_desk(duty_desk, duty_phone, duty_hours)
        terms = read_terms(folder)
        transcripts = [
            read_handed(SignedTranscript, path, HOLDERS_TRANSCRIPT, limit=CEREMONY_LIMIT)
            for path in transcript
        ]
        witnesses = [parse_witness(text) for text in witness]
        first = FirstCharter(witnesses, quorum, desk, Terms(founding_days, cooling_days))
        genesis = found_federation(folder, terms, transcripts, first, Environment())
        out.print(asyncio.run(genesis))


def _duty_desk(name: str, phone: str, hours: str) -> DutyDesk:
    """Somebody real to call: every team shows it, so nothing stands in for it."""
    if not (name and phone and hours) and not sys.stdin.isatty():
        raise LocalError(
            ErrorCode.NOT_READY,
            "say whom everybody can call at once: --duty-desk NAME --duty-phone NUMBER "
            "--duty-hours HOURS. It stands under every team",
        )
    who = "Who answers at once (for example the emergency duty team)"
    return make_duty_desk(
        name or asked(who, require_name),
        phone or asked("Its telephone number", require_phone),
        hours or asked("When it answers", require_hours),
    )
