"""What the node's commands do, apart from parsing and printing."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import typer

from node.links.team import team_of
from node.membership.hub import HubMembership
from node.publishing.publisher import Publisher
from node.records.clients import ImportReport, apply_import, withdraw, write_rejects
from node.records.importer.mapping import ColumnMapping, dump_mapping, guess_mapping, load_mapping
from node.records.importer.reader import Line, Table, read_table
from node.records.importer.rows import parse_rows
from node.requests.answering import Answer
from node.requests.asking import ContactRequest
from node.service import NodeService
from node.store.links import LinkState
from node.store.tables import NodeTables, open_engine
from node.views.inbox import basis_lines
from protocol.errors import ErrorCode, LocalError, RemoteError

MAPPING_LIMIT = 200_000
LINES_A_STEP = 500


@dataclass(frozen=True)
class ChosenMapping:
    """A mapping to import by, or the path of a draft that a person must complete first."""

    mapping: ColumnMapping | None = None
    draft: Path | None = None


@dataclass(frozen=True)
class Choice:
    """Purpose, lawful basis and facts of a request."""

    purpose: str
    basis: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Located:
    """Which involvement is asked for, and who asks."""

    involvement_id: str
    practitioner: int


def mapping_for(file: Path, mapping: Path | None) -> ChosenMapping:
    """The confirmed mapping, or a draft written beside the file for a person to complete."""
    _require_file(file)
    if mapping is not None:
        _require_file(mapping)
        if mapping.stat().st_size > MAPPING_LIMIT:
            raise RemoteError(ErrorCode.BAD_FILE, "the mapping file is too large")
        try:
            text = mapping.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise RemoteError(ErrorCode.BAD_FILE, "the mapping file is not UTF-8") from error
        return ChosenMapping(load_mapping(text))
    draft = file.with_suffix(".mapping.toml")
    if draft.exists():
        raise LocalError(ErrorCode.NOT_READY, f"check {draft.name}, then pass it with --mapping")
    with file.open("rb") as stream:
        header = read_table(stream).header
    draft.write_text(dump_mapping(guess_mapping(header)), encoding="utf-8")
    return ChosenMapping(draft=draft)


async def run_import(
    folder: Path,
    file: Path,
    chosen: ChosenMapping,
    rejects: Path,
    progress: Callable[[int], None],
) -> ImportReport:
    """Import a file in one transaction, and write its rejects beside it."""
    if chosen.mapping is None:
        raise LocalError(ErrorCode.NOT_READY, "confirm the mapping first")
    mapping, now = chosen.mapping, datetime.now(UTC)
    engine = open_engine(folder)

    def work(tables: NodeTables) -> ImportReport:
        with file.open("rb") as stream:
            table = read_table(stream)
            watched = Table(table.header, _watched(table.lines, stream, progress))
            rows = parse_rows(watched, mapping, today=now.date())
            return apply_import(tables, rows, int(now.timestamp()))

    try:
        report = await engine.write(work)
    finally:
        await engine.close()
    if report.errors:
        await asyncio.to_thread(write_rejects, rejects, report.errors)
    return report


async def withdraw_and_publish(membership: HubMembership, local_id: str) -> int:
    """Withdraw a client's permission and tell the hub at once; how many involvements."""
    now = membership.env.clock()
    count = await membership.engine.write(lambda tables: withdraw(tables, local_id, now))
    await membership.follow()
    await Publisher(membership).tell_withdrawn()
    return count


async def ask_now(service: NodeService, request: ContactRequest) -> str:
    """Ask and send at once; the request's id."""
    membership = service.membership
    await membership.follow()
    request_id = await membership.engine.write(lambda tables: service.asking.ask(tables, request))
    await service.advance()
    return request_id


async def answer_now(service: NodeService, answer: Answer) -> None:
    """Answer, send at once, and release when a quorum has seen the decision."""
    membership = service.membership
    await membership.follow()
    await membership.engine.write(lambda tables: service.answering.answer(tables, answer))
    await service.advance()


async def locate(membership: HubMembership, client: str, number: int, name: str) -> Located:
    """The involvement behind a number of the team, and the practitioner who asks."""

    def work(tables: NodeTables) -> Located:
        others = _askable(tables, membership, client)
        if not 1 <= number <= len(others):
            raise LocalError(ErrorCode.NOT_FOUND, "no team member with that number")
        return Located(others[number - 1], _worker(tables, client, name))

    return await membership.engine.read(work)


async def practitioner_named(membership: HubMembership, name: str) -> int:
    """A practitioner of ours by name; the only one if no name is given."""

    def work(tables: NodeTables) -> int:
        found = tables.workers.named(name)
        if not found or (not name and len(found) > 1):
            raise LocalError(ErrorCode.NOT_FOUND, "say who you are with --as NAME, as imported")
        return found[0]

    return await membership.engine.read(work)


def choose(membership: HubMembership, purpose: str, basis: str, facts: Sequence[str]) -> Choice:
    """Purpose, basis and facts: as given, or chosen from the charter's list at the keyboard."""
    charter, own_class = membership.charter, membership.me().body.member_class
    usable = [
        item
        for item in charter.lawful_bases
        if item.in_force == "yes" and own_class in item.requester_classes
    ]
    if not basis:
        for line in basis_lines(usable):
            typer.echo(line)
        basis = usable[_number("Lawful basis", len(usable)) - 1].code
    chosen = next((item for item in usable if item.code == basis), None)
    if not purpose and chosen is not None:
        titles = {item.code: item.title for item in charter.purposes}
        for number, code in enumerate(chosen.purposes, 1):
            typer.echo(f"{number}. {titles.get(code, code)}")
        purpose = chosen.purposes[_number("Purpose", len(chosen.purposes)) - 1]
    values = dict(_fact(text) for text in facts)
    if chosen is not None and sys.stdin.isatty():
        for rule in chosen.must_record:
            if rule.field not in values:
                hint = f" ({' / '.join(rule.choices)})" if rule.choices else ""
                values[rule.field] = typer.prompt(rule.title + hint)
    return Choice(purpose, basis, values)


def _askable(tables: NodeTables, membership: HubMembership, client: str) -> list[str]:
    """Involvement ids by number: the team as shown, then what was shown before and has ended.

    A number that was on the screen a minute ago still asks: the hub refuses, and logs that it did.
    """
    shown = [item.involvement_id for item in team_of(tables, membership, client).others]
    row = tables.client(client)
    stub = tables.stub_of(membership.hub.hub_id, row["id"]) if row else None
    links = tables.links.of_stub(membership.hub.hub_id, stub["stub_id"]) if stub else []
    ended = [link for link in links if link.state is LinkState.ENDED]
    return shown + [item.id for link in ended for item in link.involvements]


def _worker(tables: NodeTables, client: str, name: str) -> int:
    found = next(iter(tables.workers.named(name)), None) if name else None
    worker = found if name else tables.workers.of_client(client)
    if worker is None:
        raise LocalError(ErrorCode.NOT_FOUND, "say who asks with --as NAME, as imported")
    return worker


def _number(what: str, most: int) -> int:
    while True:
        number = int(typer.prompt(what, type=int))
        if 1 <= number <= most:
            return number
        typer.echo(f"Please type a number from 1 to {most}.")


def _fact(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not value:
        raise LocalError(ErrorCode.MALFORMED, "a fact is written field=value")
    return name, value


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise LocalError(ErrorCode.NOT_FOUND, f"there is no file {path.name}")


def _watched(
    lines: Iterator[Line], stream: BinaryIO, progress: Callable[[int], None]
) -> Iterator[Line]:
    """The same lines, telling now and then how many bytes of the file were read."""
    for number, line in enumerate(lines):
        if number % LINES_A_STEP == 0:
            progress(stream.tell())
        yield line
