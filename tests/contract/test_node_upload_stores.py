"""What the store of files that are imported on the pages promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from node.records import people
from node.records.importer.mapping import dump_mapping, load_mapping
from node.records.mappings import rename
from node.records.people import Appointment
from node.store.imports import Said, source_of
from node.store.people import PersonKind
from node.store.records import ClientRow
from node.store.tables import NodeEngine, NodeTables, open_engine
from node.store.uploads import SavedMapping, UploadState
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord

NOW = 1_790_000_000


@pytest_asyncio.fixture(params=[False, True], ids=["sqlite", "sqlite rehearsed"])
async def node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[NodeEngine]:
    made = open_engine(tmp_path, rehearse=request.param)
    yield made
    await made.close()


async def test_a_file_goes_from_state_to_state_once_and_leaves_nothing(node: NodeEngine) -> None:
    said = Appointment("M. Anager", "", PersonKind.MANAGER, {})
    person = (await node.write(lambda t: people.appoint(t, said, NOW))).id
    number = await node.write(lambda t: t.uploads.add(person, "clients.csv", NOW))
    made = await node.read(lambda t: t.uploads.get(number))
    assert made is not None
    assert (made.state, made.columns, made.why) == (UploadState.READING, "", "")
    assert "clients" not in repr(made)
    change = {"state": UploadState.LOOKED.value, "why": "more doubts", "report": "{}"}
    assert await node.write(lambda t: t.uploads.change(number, NOW + 1, **change))
    before, after = UploadState.LOOKED, UploadState.IMPORTING
    moved = [
        await node.write(lambda t: t.uploads.move(number, before, after, NOW + 2)) for _ in "12"
    ]
    assert moved == [True, False]
    (found,) = await node.read(lambda t: t.uploads.of(person))
    assert (found.state, found.why, found.report, found.at) == (after, "", "{}", NOW + 2)
    assert await node.read(lambda t: t.uploads.of(person + 1)) == []
    await node.write(lambda t: t.uploads.remove(number))
    assert await node.read(lambda t: t.uploads.all()) == []
    assert not await node.write(lambda t: t.uploads.change(number, NOW + 3, why="late"))


async def test_a_mapping_of_a_name_takes_the_place_of_the_one_before(node: NodeEngine) -> None:
    for name, text in (("North", "format = 1"), ("East", "format = 1"), ("North", "format = 2")):
        saved = SavedMapping(name, text, NOW)
        await node.write(lambda t, saved=saved: t.uploads.save_mapping(saved))  # type: ignore[misc]
    found = await node.read(lambda t: t.uploads.mappings())
    assert [(one.name, one.mapping) for one in found] == [
        ("East", "format = 1"), ("North", "format = 2"),
    ]  # fmt: skip


async def test_a_feed_that_is_called_otherwise_is_known_again(node: NodeEngine) -> None:
    text = dump_mapping(
        load_mapping('format = 1\ntitle = "East"\n[fields.local_id]\ncolumn = "id"')
    )
    manager = Appointment("M. Anager", "", PersonKind.MANAGER, {})

    def begin(tables: NodeTables) -> int:
        for name in ("East", "North"):
            tables.uploads.save_mapping(SavedMapping(name, text, NOW))
        (client,) = tables.records.put_clients([ClientRow("c1", ClientRecord(given="A"))]).values()
        brought = tables.imports.begin("East", NOW)
        said = Said(client, source_of("East"), ClientRecord(given="A"), brought, brought)
        tables.imports.put_said([said])
        tables.imports.begin("Old", NOW)
        return client

    client = await node.write(begin)
    east, _ = await node.read(lambda t: t.uploads.mappings())
    for name in ("North", "Old", "East"):
        with pytest.raises(LocalError, match="another kind of file has that name"):
            await node.write(lambda t, name=name: rename(t, east, name))  # type: ignore[misc]
    with pytest.raises(LocalError, match="80 plain characters"):
        await node.write(lambda t: rename(t, east, "x" * 81))

    def waits(tables: NodeTables) -> int:
        number = tables.uploads.add(people.appoint(tables, manager, NOW).id, "a.csv", NOW)
        tables.uploads.change(number, NOW, mapping=text)
        return number

    number = await node.write(waits)
    with pytest.raises(LocalError, match="finish that"):
        await node.write(lambda t: rename(t, east, "West"))
    await node.write(lambda t: t.uploads.remove(number))

    await node.write(lambda t: rename(t, east, "West"))
    _, west = await node.read(lambda t: t.uploads.mappings())
    assert (west.name, load_mapping(west.mapping).title, west.at) == ("West", "West", NOW)
    assert [feed.title for feed in await node.read(lambda t: t.imports.feeds())] == ["Old", "West"]
    (said,) = (await node.read(lambda t: t.imports.said([client])))[client]
    assert said.source == source_of("West")
