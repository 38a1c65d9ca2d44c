"""patchwork-audit: the auditor's commands. Parse, call, print.

Exit codes: see audit/cli/main.py.
"""

import asyncio
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from audit.auditor.identity import AuditorFolder
from audit.auditor.joining import Joining
from audit.auditor.number import parse_number, read_number
from audit.case.case import Case
from audit.case.files import write_file
from audit.cli.bars import shown_on_terminal
from audit.cli.given import read_disclosure, read_genesis, read_old, read_policy
from audit.fetch.commitment import commit as send_commitment
from audit.fetch.export import Exporter, fetch_payloads
from audit.fetch.fetch import Fetch, Source
from audit.findings import EXIT_BROKEN, EXIT_INCOMPLETE, EXIT_USAGE, Severity
from audit.monitor.monitor import Expected, Monitor
from audit.monitor.state import MonitorState
from audit.outcome import Report
from audit.report.bundle import Source as Evidence
from audit.report.bundle import make_bundle
from audit.report.figures import audit_case
from audit.report.report_page import to_html
from audit.report.sample import draw_sample
from audit.report.spreadsheet import findings_csv
from audit.rules.signed import verification
from audit.verify.verify import Verified, verify_case
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.wire import read_invitation
from runtime.cli import handed_over, report_errors, tell
from runtime.environment import Environment
from transport.client import HttpClient, require_url

app = typer.Typer()
OTHER_GENESIS = (
    "the log does not begin with the genesis that was given: is it this log's, as two agencies' "
    "signed agreements have it?"
)
out = Console()
err = Console(stderr=True)

Private = Annotated[
    bool, typer.Option(help="Allow http and private addresses (a test bench only).")
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="A folder that fetch wrote.")]
Old = Annotated[
    Path | None, typer.Option("--old", help="An earlier checkpoint of this log, to compare.")
]
Notes = Annotated[
    list[Path] | None,
    typer.Option(help="Checkpoints kept over time: a file, or a folder such as the monitor's."),
]
Disclosures = Annotated[
    list[Path] | None,
    typer.Option(help="What an agency disclosed of a decision, to make it again. May be repeated."),
]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The auditor's own folder.")],
    name: Annotated[str, typer.Option(help="The auditor's name, as the log will hold it.")],
    control_domain: Annotated[str, typer.Option(help="Who controls the auditor.")],
    duty_line: Annotated[str, typer.Option(help="A telephone number, which the log will hold.")],
    duty_hours: Annotated[str, typer.Option(help="When it answers.")],
) -> None:
    """Make an auditor's keys and folder."""
    with _errors_reported():
        said = {
            "name": name,
            "control_domain": control_domain,
            "duty_line": duty_line,
            "duty_hours": duty_hours,
        }
        AuditorFolder(folder).create(said, Environment().random)
        typer.echo("Ready. Move recovery.json to a safe, then join with an invitation.")


@app.command()
def join(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The auditor's own folder.")],
    invitation: Annotated[
        str, typer.Argument(help="Leave it out to be asked for it; - reads it from input.")
    ] = "",
    wait: Annotated[bool, typer.Option(help="Wait until the log names us as a member.")] = True,
    allow_private_addresses: Private = False,
) -> None:
    """Apply to a hub as its auditor; prints the words to read to the operator."""
    with _errors_reported():
        AuditorFolder(folder).profile()
        text = handed_over(invitation, "invitation", read_invitation)
        hub = read_invitation(text).hub
        require_url(hub, "the invitation's address", allow_private=allow_private_addresses)
        asyncio.run(apply_as_auditor(folder, text, wait=wait, private=allow_private_addresses))


@app.command()
def fetch(
    url: Annotated[str, typer.Argument(help="Where the hub serves its log.")],
    case: Annotated[Path, typer.Option("--out", help="The case folder to write.")],
    genesis: Annotated[str, typer.Option(help="The genesis fingerprint that you pinned.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="The auditor's folder, to fetch payloads too.")
    ] = None,
    allow_private_addresses: Private = False,
) -> None:
    """Copy a log, and its payloads if we are its auditor, into a case folder."""
    with _errors_reported():
        require_url(url, "the hub's address", allow_private=allow_private_addresses)
        source = Source(url, read_genesis(genesis))
        asyncio.run(fetch_case(source, case, folder, private=allow_private_addresses))
        typer.echo(f"Fetched into {case}.")


@app.command()
def verify(
    case: CaseFolder,
    old: Old = None,
    policy: Annotated[
        Path | None, typer.Option(help="Your own C2SP policy, in addition to the charter's.")
    ] = None,
    as_json: JsonOutput = False,
) -> None:
    """Check tree, tiles, genesis, public leaves, quorum and every signature. No network."""
    with _errors_reported():
        wanted = read_old(old), read_policy(policy)
        with shown_on_terminal() as told:
            report = verification(Case(case), *wanted, told)
    _show(report, as_json=as_json)


@app.command("open")
def open_payloads(
    case: CaseFolder,
    old: Old = None,
    notes: Notes = None,
    disclosure: Disclosures = None,
    as_json: JsonOutput = False,
) -> None:
    """Verify, then check every payload and make every decision again. No network."""
    with _errors_reported():
        disclosed = [read_disclosure(path) for path in disclosure or []]
        with shown_on_terminal() as told:
            audited = audit_case(Case(case), read_old(old), notes or [], disclosed, told)
        report = audited.report
    _show(report, as_json=as_json)


@app.command()
def report(
    case: CaseFolder,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all findings as CSV.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write findings as JSON.")] = None,
    old: Old = None,
    notes: Notes = None,
) -> None:
    """Open a case and write a report for people: a page with pictures, CSV, JSON. No network."""
    with _errors_reported():
        with shown_on_terminal() as told:
            audited = audit_case(Case(case), read_old(old), notes or [], told=told)
        if html is not None:
            write_file(html, to_html(audited, int(time.time())).encode())
        if csv is not None:
            write_file(csv, findings_csv(audited.report.findings).encode("utf-8", "replace"))
        if json is not None:
            write_file(json, audited.report.to_json().encode() + b"\n")
    _show(audited.report, as_json=False)


@app.command()
def commit(
    case: CaseFolder,
    url: Annotated[str, typer.Argument(help="Where the hub serves its log.")],
    folder: Annotated[Path, typer.Option("--dir", help="The auditor's folder.")],
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="How many to draw.")] = 50,
    allow_private_addresses: Private = False,
    as_json: JsonOutput = False,
) -> None:
    """Log a commitment to a secret number, from which a sample will be drawn."""
    with _errors_reported():
        require_url(url, "the hub's address", allow_private=allow_private_addresses)
        exporter = _auditor(AuditorFolder(folder), verify_case(Case(case)))
        name, index = asyncio.run(
            _commit(url, exporter, n, folder, private=allow_private_addresses)
        )
        said = f"Entry {index} commits to the number in {name}."
        then = "Fetch a new case, then draw with: patchwork-audit sample"
        tell({"entry": index, "file": str(name)}, f"{said}\n{then}", as_json=as_json)


@app.command()
def sample(
    case: CaseFolder,
    out_folder: Annotated[Path, typer.Option("--out", help="The folder for the worksheet.")],
    file: Annotated[Path | None, typer.Option(help="The file that commit wrote.")] = None,
    number: Annotated[str | None, typer.Option(help="Or the number, from a worksheet.")] = None,
    n: Annotated[
        int | None, typer.Option("--n", help="Draw more than was committed to; never fewer.")
    ] = None,
    as_json: JsonOutput = False,
) -> None:
    """Draw the sample: every override, then by lot. Writes a worksheet. No network."""
    with _errors_reported():
        if (file is None) == (number is None):
            raise LocalError(ErrorCode.CONFIGURATION, "give either --file or --number")
        secret = read_number(file) if file is not None else parse_number(number or "")
        drawn = draw_sample(Case(case), secret, n)
        for name, text in drawn.files.items():
            write_file(out_folder / name, text.encode())
        made = drawn.sample
        value = {
            "drawn": len(made.drawn),
            "population": made.population,
            "commitment": made.attempt,
            "commitments": made.attempts,
            "files": sorted(drawn.files),
        }
        said = f"Drew {len(made.drawn)} of {counted(made.population, 'request')}.\n"
        said += f"This is commitment {made.attempt} of {made.attempts}."
        tell(value, said, as_json=as_json)


@app.command()
def bundle(
    case: CaseFolder,
    index: Annotated[int, typer.Option(help="The index of the entry in the log.")],
    out_folder: Annotated[Path, typer.Option("--out", help="A new folder for the evidence.")],
) -> None:
    """Write the evidence of one entry, for openssl and other tools. No network."""
    with _errors_reported():
        files = Case(case)
        made = make_bundle(Evidence(files, verify_case(files), index), out_folder)
        typer.echo(f"{counted(len(made), 'file')} written. Start with README.txt.")


@app.command()
def monitor(
    url: Annotated[str, typer.Argument(help="Where the hub serves its log.")],
    state: Annotated[Path, typer.Option(help="The monitor's own folder.")],
    genesis: Annotated[str, typer.Option(help="The genesis fingerprint that you pinned.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="The auditor's folder, to check its own keys.")
    ] = None,
    max_age: Annotated[int, typer.Option(help="Alarm if unwitnessed for so many seconds.")] = 1800,
    every: Annotated[int, typer.Option(min=1, help="Seconds between two looks.")] = 300,
    once: Annotated[bool, typer.Option("--once", help="Look once and stop, for cron.")] = False,
    allow_private_addresses: Private = False,
    as_json: JsonOutput = False,
) -> None:
    """Watch a log for forks, rollback, lost quorum, new keys and charters. Stops at proof."""
    with _errors_reported():
        require_url(url, "the hub's address", allow_private=allow_private_addresses)
        expected = Expected(max_age, AuditorFolder(folder) if folder else None)
        kept = MonitorState(state, read_genesis(genesis))
        pace = None if once else every
        looked = asyncio.run(
            _monitor(url, kept, expected, pace, private=allow_private_addresses, as_json=as_json)
        )
    raise typer.Exit(looked.exit_code)


async def _monitor(
    url: str,
    state: MonitorState,
    expected: Expected,
    every: int | None,
    *,
    private: bool,
    as_json: bool,
) -> Report:
    """Look, and look again until there is proof that the log was changed."""
    try:
        async with HttpClient(allow_private=private) as http:
            watching = Monitor(http, url, state, expected)
            while True:
                look = await watching.look(int(time.time()))
                said = Report("A look at the log", {"entries": look.size}, look.findings)
                if every is None or look.findings:
                    typer.echo(said.to_json() if as_json else said.to_text())
                if every is None or said.exit_code == EXIT_BROKEN:
                    return said
                await asyncio.sleep(every)
    finally:
        await state.close()


async def _commit(
    url: str, exporter: Exporter, count: int, folder: Path, *, private: bool
) -> tuple[str, int]:
    async with HttpClient(allow_private=private) as http:
        return await send_commitment(http, url, exporter, count, folder)


async def apply_as_auditor(folder: Path, text: str, *, wait: bool, private: bool) -> bool:
    """Apply with an invitation's text, say the words, and wait until the log names this auditor;
    whether it does. Raises RemoteError, LocalError.
    """
    async with HttpClient(allow_private=private) as http:
        joining = Joining(AuditorFolder(folder), http, Environment())
        applied = await joining.apply(read_invitation(text))
        is_member = applied.view.directory.active(applied.party_id) is not None
        if not is_member:
            typer.echo(f"party: {applied.party_id}")
            typer.echo(f"words: {applied.words}")
            typer.echo("Read these words to the council's operator, who approves if they match.")
        if wait and not is_member:
            typer.echo("Waiting. It may take days: stop with Ctrl-C, and run this again to go on.")
            await joining.wait_for_approval(applied)
            is_member = True
        if is_member:
            typer.echo("The log names us as its auditor.")
        return is_member


async def fetch_case(
    source: Source, out_folder: Path, folder: Path | None, *, private: bool
) -> None:
    """Fetch a log into a new case, with payloads for the auditor of a folder. Another log than the
    pinned one is set aside. Raises RemoteError, LocalError.
    """
    async with HttpClient(allow_private=private) as http:
        work = Fetch(http, source, out_folder)
        with Progress(console=err, transient=True) as bar:
            task = bar.add_task("Log", total=None)
            case = await work.log(lambda done, all_: bar.update(task, completed=done, total=all_))
            if not case.begins_as_pinned():
                aside = work.set_aside()
                said = f"{OTHER_GENESIS} What came is in {aside.name}."
                raise RemoteError(ErrorCode.BAD_TREE, said)
            if folder is not None:
                task = bar.add_task("Payloads", total=None)
                exporter = _exporter(work, AuditorFolder(folder), verify_case(case))
                await fetch_payloads(
                    http,
                    source.url,
                    work.folder,
                    exporter,
                    lambda done, all_: bar.update(task, completed=done, total=all_),
                )
        work.finish()


def _exporter(work: Fetch, folder: AuditorFolder, verified: Verified) -> Exporter:
    """Who asks for payloads. If we may not ask, the case is complete without them."""
    try:
        return _auditor(folder, verified)
    except PatchworkError:
        work.finish()
        typer.echo("The case was written without payloads.", err=True)
        raise


def _auditor(folder: AuditorFolder, verified: Verified) -> Exporter:
    """The auditor that may sign for this log. Nothing is signed for a log that is broken."""
    if any(item.severity is Severity.BROKEN for item in verified.findings):
        raise RemoteError(ErrorCode.BAD_TREE, "we sign nothing for a broken log: run verify")
    membership = folder.membership()
    if membership is None:
        raise LocalError(ErrorCode.NOT_READY, "run join first, or fetch without --dir")
    exporter = Exporter(folder.keys(), membership, verified, Environment())
    exporter.check()
    return exporter


def _show(report: Report, *, as_json: bool) -> None:
    typer.echo(report.to_json() if as_json else report.to_text())
    raise typer.Exit(report.exit_code)


def _errors_reported() -> AbstractContextManager[None]:
    """The shared sentences, with this program's exit codes."""
    return report_errors(exit_code_of)


def exit_code_of(error: BaseException) -> int:
    """The exit code of what went wrong."""
    if isinstance(error, (LocalError, OSError, ValidationError)):
        return EXIT_USAGE
    broken = {ErrorCode.BAD_TREE, ErrorCode.BAD_SIGNATURE}
    is_broken = isinstance(error, PatchworkError) and error.code in broken
    return EXIT_BROKEN if is_broken else EXIT_INCOMPLETE
