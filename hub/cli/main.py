"""patchwork-hub: parse, call, print. The council operator's commands.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from hub.cli.charter import app as charter_commands
from hub.cli.log import erase
from hub.cli.policy import app as policy_commands
from hub.cli.status import status
from hub.cli.succeed import succeed_log
from hub.config import load_settings
from hub.matching.explain import explain_link, links_in_short
from hub.members.enrolment import INVITATION_SECONDS, code_hash
from hub.members.founding import Founding, found
from hub.members.membership import approve_rotation, order, waiting_rotations
from hub.server.service import HubService
from hub.store.tables import HubTables, open_engine
from protocol.errors import ErrorCode, LocalError
from protocol.fields import to_base64
from protocol.governance.ceremony import (
    CEREMONY_LIMIT,
    CeremonyTerms,
    HolderRecord,
    SignedTranscript,
)
from protocol.governance.fingerprint import fingerprint_words
from protocol.log.note import NoteSigner, SignatureType, parse_vkey
from protocol.messages.bodies import EnrolmentBody
from protocol.messages.statement import parse_statement
from protocol.signing import SecretSeed
from protocol.wire import Invitation, encode_wire, parse_wire
from runtime.cli import make_cli, report_errors
from runtime.environment import Environment
from runtime.secrets import read_secrets, write_secrets

app = make_cli("patchwork-hub", "Run a council's hub: enrol agencies, match, broker, keep the log.")
app.add_typer(charter_commands, name="charter")
app.command()(erase)
app.command("succeed")(succeed_log)
app.command()(status)
app.add_typer(policy_commands, name="policy")
out = Console(soft_wrap=True, markup=False, highlight=False)
Result = TypeVar("Result")

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The hub's folder.")
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The hub's name.")],
    origin: Annotated[str, typer.Option(help="The log's origin, e.g. hub.example/log.")],
    control_domain: Annotated[str, typer.Option(help="Who controls this hub.")],
    folder: Folder = Path(),
) -> None:
    """Make a new hub's keys and folder; prints the charter id."""
    with report_errors():
        folder.mkdir(parents=True, exist_ok=True)
        env = Environment()
        NoteSigner(origin, SignatureType.ED25519, SecretSeed(bytes(32)))
        secrets = {key: env.random(32) for key in ("sign", "log", "pepper")}
        write_secrets(folder / "keys.json", secrets)
        plan = {
            "charter_id": env.new_id(),
            "hub_name": name,
            "control_domain": control_domain,
            "origin": origin,
        }
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        out.print(plan["charter_id"])


@app.command()
def ceremony(
    holder: Annotated[list[Path], typer.Option(help="A key holder's public record (repeat).")],
    threshold: Annotated[int, typer.Option(help="How many holders it takes.")] = 2,
    folder: Folder = Path(),
) -> None:
    """Write terms.json, which every key holder needs to deal and combine."""
    with report_errors():
        saved = _plan(folder)
        terms = CeremonyTerms(
            charter_id=saved["charter_id"],
            epoch=1,
            threshold=threshold,
            holders=[parse_wire(HolderRecord, path.read_bytes()) for path in holder],
        )
        (folder / "terms.json").write_bytes(encode_wire(terms))
        out.print("terms.json is ready: give it to every key holder.")


@app.command("found")
def found_federation(
    transcript: Annotated[list[Path], typer.Option(help="A holder's signed transcript (repeat).")],
    witness: Annotated[
        list[str], typer.Option(help="'VKEY;control domain' of a witness (repeat).")
    ],
    quorum: Annotated[int, typer.Option(help="How many witnesses must sign.")],
    folder: Folder = Path(),
) -> None:
    """Write the first charter into the log; prints the genesis fingerprint."""
    with report_errors():
        keys = read_secrets(folder / "keys.json")
        saved = _plan(folder)
        signer = NoteSigner(saved["origin"], SignatureType.ED25519, SecretSeed(keys["log"]))
        data = (folder / "terms.json").read_bytes()
        terms = parse_wire(CeremonyTerms, data, limit=CEREMONY_LIMIT)
        plan = Founding(
            charter_id=saved["charter_id"],
            hub_name=saved["hub_name"],
            control_domain=saved["control_domain"],
            log_key=signer.key,
            witnesses=[_witness(text) for text in witness],
            quorum=quorum,
            holders=terms.holders,
            transcripts=[
                parse_wire(SignedTranscript, path.read_bytes(), limit=CEREMONY_LIMIT)
                for path in transcript
            ],
        )
        seed, env = SecretSeed(keys["sign"]), Environment()
        genesis = _run(open_engine(folder).write(lambda tables: found(tables, plan, seed, env)))
        (folder / "genesis").write_text(genesis + "\n", encoding="utf-8")
        (folder / "log.vkey").write_text(signer.key.text + "\n", encoding="utf-8")
        out.print(genesis)


@app.command()
def invite(folder: Folder = Path()) -> None:
    """Make a one-time invitation, to be handed to one new member; prints it."""
    with report_errors():
        settings, env = load_settings(folder), Environment()
        saved = _plan(folder)
        code = env.random(32).hex()
        expires = env.clock() + INVITATION_SECONDS
        invitation = Invitation(
            hub=settings.public_url or f"http://{settings.host}:{settings.port}",
            hub_name=saved["hub_name"],
            genesis=(folder / "genesis").read_text(encoding="utf-8").strip(),
            code=code,
        )
        engine = open_engine(folder)
        _run(engine.write(lambda tables: tables.invite(code_hash(code), expires)))
        typer.echo(to_base64(encode_wire(invitation)))


@app.command()
def members(
    folder: Folder = Path(),
    approve: Annotated[str, typer.Option(help="Party id whose words you compared.")] = "",
    words: Annotated[str, typer.Option(help="The words as the newcomer read them to you.")] = "",
    suspend: Annotated[str, typer.Option(help="Stop a member at once, by party id.")] = "",
    reinstate: Annotated[str, typer.Option(help="Let a suspended member go on.")] = "",
    revoke: Annotated[str, typer.Option(help="Stop a member for good.")] = "",
    as_json: JsonOutput = False,
) -> None:
    """Show who has applied and who is a member; approve, suspend, reinstate or revoke one."""
    with report_errors():
        engine = open_engine(folder)
        orders = {"suspended": suspend, "active": reinstate, "revoked": revoke}
        for status, party_id in orders.items():
            if party_id:
                _run(
                    engine.write(
                        lambda tables, party_id=party_id, status=status: order(  # type: ignore[misc]
                            tables, party_id, status
                        )
                    )
                )
                out.print("Ordered. The running hub writes it into the log.")
        if any(orders.values()):
            return
        if approve:
            _run(engine.write(lambda tables: _approve(tables, approve, words)))
            out.print("Approved. The running hub writes the membership into the log.")
            return
        rows = _run(engine.read(_applicants))
        if as_json:
            typer.echo(json.dumps(rows))
            return
        for row in rows:
            out.print(f"{row['party_id']}  {row['name']} ({row['class']}): {row['state']}")
            out.print(f"    {row['words']}")
        if not rows:
            out.print("Nobody has applied yet.")


@app.command()
def explain(
    link: Annotated[str, typer.Argument(help="A link's id; without one, all are listed.")] = "",
    folder: Folder = Path(),
) -> None:
    """Say in words why two records are linked, or wait for people. No values: there are none."""
    with report_errors():
        engine = open_engine(folder)
        lines = _run(
            engine.read(
                lambda tables: (
                    explain_link(tables, link, Environment().clock())
                    if link
                    else links_in_short(tables)
                )
            )
        )
        for line in lines or ["There are no links."]:
            out.print(line)


@app.command()
def serve(folder: Folder = Path()) -> None:
    """Run the hub until stopped."""
    with report_errors():
        service = HubService(folder, load_settings(folder), Environment())
        asyncio.run(service.run(lambda port: typer.echo(f"hub listening on port {port}")))


def _plan(folder: Path) -> dict[str, str]:
    path = folder / "plan.json"
    if not path.exists():
        raise LocalError(ErrorCode.NOT_READY, "plan.json is not there; run patchwork-hub init")
    plan: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return plan


def _witness(text: str) -> dict[str, str]:
    vkey, _, domain = text.partition(";")
    if not domain:
        raise LocalError(ErrorCode.CONFIGURATION, "a witness is 'VKEY;control domain'")
    return {"name": parse_vkey(vkey).name, "control_domain": domain, "vkey": vkey}


def _approve(tables: HubTables, party_id: str, words: str) -> None:
    row = tables.applicant(party_id)
    if row is None or row["state"] != "waiting":
        approve_rotation(tables, party_id, words)
        return
    statement = parse_statement(row["envelope"]).expect(EnrolmentBody)
    if words.split() != fingerprint_words(party_id, statement.body.keys).split():
        raise LocalError(
            ErrorCode.CONFLICT, "the words differ: somebody may be in between. Do not approve."
        )
    tables.set_applicant(party_id, "approved")


def _applicants(tables: HubTables) -> list[dict[str, str]]:
    rows = []
    for row in tables.tx.rows("SELECT * FROM applicant ORDER BY applied_at"):
        body = parse_statement(row["envelope"]).expect(EnrolmentBody).body
        rows.append(
            {
                "party_id": body.party_id,
                "name": body.name,
                "class": body.member_class,
                "state": row["state"],
                "words": fingerprint_words(body.party_id, body.keys),
            }
        )
    named = {row["party_id"]: row for row in rows}
    return rows + [{**named[item["party_id"]], **item} for item in waiting_rotations(tables)]


def _run(work: Coroutine[None, None, Result]) -> Result:
    return asyncio.run(work)


def main() -> None:
    """The console script."""
    app()
