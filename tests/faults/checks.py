"""What must hold of a council after any fault: against what people were told, and by itself.

Nothing acknowledged is lost, nothing is half applied, the log never goes back, no card is lost or
doubled, what was withdrawn stays withdrawn, and nobody honest is accused.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from node.alarms import open_alarms
from protocol.log.checkpoint import parse_checkpoint
from protocol.messages.statement import parse_statement
from tests.faults.council import Council
from tests.faults.story import CARE, HEALTH, LEDGER, Story
from tests.sim.federation import SimNode

ONCE = ("request", "hub_decision", "decision", "release")
"""What the log holds once at most for a request."""


class Wrong(Exception):
    """Something that must hold does not."""


def must(holds: object, what: str) -> None:
    """Raise Wrong unless it holds."""
    if not holds:
        raise Wrong(what)


async def check(council: Council) -> None:
    """Hold everybody to what people were told. Raises Wrong."""
    path = council.folder / LEDGER
    told = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    await _check_files(council)
    await _check_log(council)
    await _check_exchange(council, told)
    for item in told:
        await _HELD.get(item["what"], _nothing)(council, item)
    ended = {item["client"] for item in told if item["what"] in {"withdrawn", "retired"}}
    await _check_stubs(council, told, ended)
    for node in council.nodes.values():
        await _check_node(node)


async def audit(council: Council) -> None:
    """The auditor finds nothing in the whole log. Raises Wrong."""
    found = await council.audited()
    must(not found, f"the auditor finds {dict(found)}")


async def _check_files(council: Council) -> None:
    """Each database is whole."""
    engines = [node.membership.engine for node in council.nodes.values()]
    engines += [holder._engine for holder in council.network.holders.values()]  # type: ignore[misc]
    if not council.hub.settings.database:
        engines.append(council.services.engine)  # type: ignore[arg-type]
    for engine in engines:
        faults = await engine.read(lambda tables: tables.tx.rows("PRAGMA foreign_key_check"))
        must(not faults, "a database has rows that belong to nothing")
        await engine.check()
    for store in council.network.stores.values():
        store._database.check()


async def _check_log(council: Council) -> None:
    """One history: each head that was ever published is a beginning of the tree that is there."""
    sql = "SELECT e.idx, p.idx AS payload FROM entry e LEFT JOIN payload p USING (idx) ORDER BY 1"
    entries = await council.hub_read(lambda tables: tables.tx.rows(sql))
    must([row["idx"] for row in entries] == [*range(len(entries))], "the log has a hole")
    must(all(row["payload"] is not None for row in entries), "an entry has no payload")
    publisher = council.services.publisher
    must(publisher.size <= len(entries), "a head is signed over entries that are not there")
    for size, root in sorted(council.heads()):
        must(size <= publisher.size, "the log has gone back")
        must(await asyncio.to_thread(publisher.tiles.root, size) == root, "two histories")
    for store in council.network.stores.values():
        for log in store.logs():
            must(log.head is None or log.head.size <= publisher.size, "a witness has seen more")
        must(not store.forks(publisher.origin), "a witness holds proof of a fork")
    note = await asyncio.to_thread(publisher.tiles.read_checkpoint)
    must(note is not None and parse_checkpoint(note)[1].size <= publisher.size, "published ahead")


async def _bodies(council: Council) -> list[tuple[str, Any]]:
    rows = await council.hub_read(
        lambda tables: tables.tx.rows(
            "SELECT e.kind, p.envelope FROM entry e JOIN payload p USING (idx) ORDER BY e.idx"
        )
    )
    return [(row["kind"], parse_statement(row["envelope"], limit=1 << 20).body) for row in rows]


async def _check_exchange(council: Council, told: list[Mapping[str, Any]]) -> None:
    """No request, decision or card twice; and no card that nobody allowed."""
    seen: Counter[tuple[str, str]] = Counter()
    for kind, body in await _bodies(council):
        if kind in ONCE:
            seen[kind, str(getattr(body, "request_id", getattr(body, "request_hash", "")))] += 1
    twice = [key[0] for key, count in seen.items() if count > 1 and key[1]]
    must(not twice, f"the log has it twice: {twice}")
    for item in told:
        if item["what"] in {"asked", "opened", "refused"}:
            must(seen["request", item["request"]] == 1, "a request that was sent is in no log")
    for node in council.nodes.values():
        rows = await node.read(lambda t: t.tx.rows("SELECT state FROM outbox"))
        states = {row["state"] for row in rows}
        must(states <= {"pending", "sent", "logged"}, f"a statement is {states}")


async def _check_node(node: SimNode) -> None:
    hub_id = node.membership.hub.hub_id
    kept = await node.read(lambda tables: tables.set_aside.all(hub_id))
    must(not kept, f"set aside: {[item.fault for item in kept]}")
    alarms = await node.read(lambda tables: open_alarms(tables, hub_id))
    must(not alarms, f"somebody honest is accused: {[alarm.code.value for alarm in alarms]}")


async def _check_stubs(council: Council, told: list[Mapping[str, Any]], ended: set[str]) -> None:
    """What is published is what an agency says that it publishes, and nothing that ended."""
    published = {item["agency"] for item in told if item["what"] == "published"}
    wanted = {agency: {"h1", "h2"} if agency == HEALTH else {"c1"} for agency in sorted(published)}
    for agency, clients in wanted.items():
        node = council.nodes[agency]
        party = node.party_id
        rows = await council.hub_read(
            lambda t, party=party: t.tx.rows(  # type: ignore[misc]
                "SELECT stub_id, revision, retired FROM stub WHERE agency = ?", party
            )
        )
        there = {row["stub_id"]: row for row in rows if not row["retired"]}
        own = await node.read(
            lambda t: t.tx.rows(
                "SELECT c.local_id, s.stub_id, s.revision, s.retired "
                "FROM stub s JOIN client c ON c.id = s.client"
            )
        )
        mine = {row["local_id"]: row for row in own}
        for client in clients - ended:
            must(client in mine and not mine[client]["retired"], f"{client} is not published")
            stub_id, revision = mine[client]["stub_id"], mine[client]["revision"]
            must(stub_id in there, f"the hub has lost {client}")
            must(there[stub_id]["revision"] == revision, f"the hub has another {client}")
        for client in clients & ended:
            stub = mine.get(client)
            must(stub is None or stub["stub_id"] not in there, f"{client} is published again")
        gone = clients & ended
        must(len(there) == len(clients) - len(gone), f"{agency} has {len(there)} stubs at the hub")


async def _nothing(_council: Council, _item: Mapping[str, Any]) -> None:
    """Held to elsewhere."""


async def _joined(council: Council, item: Mapping[str, Any]) -> None:
    directory = await council.hub_read(lambda tables: tables.directory.current())
    must(directory.active(item["party"]) is not None, "who joined is no member")
    must(item["party"] in directory.accepted, "who signed the charter has not signed it")


async def _imported(council: Council, item: Mapping[str, Any]) -> None:
    for client in item["clients"]:
        node = council.nodes[item["agency"]]
        row = await node.read(lambda tables, c=client: tables.records.client(c))  # type: ignore[misc]
        must(row is not None, f"{client} is lost")


async def _opened(council: Council, item: Mapping[str, Any]) -> None:
    mine = await council.nodes[CARE].sent(item["request"])
    must(mine["state"] in {"opened", "recalled"}, f"a card that was open is {mine['state']}")
    must(mine["state"] == "recalled" or mine["card"], "a card is lost")
    theirs = await council.nodes[HEALTH].received(item["request"])
    must(theirs["state"] in {"opened", "recalled"}, f"a card that left is {theirs['state']}")


async def _refused(council: Council, item: Mapping[str, Any]) -> None:
    mine = await council.nodes[CARE].sent(item["request"])
    must(mine["state"] == "refused" and mine["card"] is None, "what was refused is open")


async def _recalled(council: Council, item: Mapping[str, Any]) -> None:
    mine = await council.nodes[CARE].sent(item["request"])
    must(mine["state"] == "recalled" and mine["card"] is None, "a card is back that was recalled")


async def _parted(council: Council, _item: Mapping[str, Any]) -> None:
    story = Story(council)
    for node, client in ((story.health, "h1"), (story.care, "c1")):
        must(not (await node.team(client)).others, "they are shown again whom nobody should see")


async def _withdrawn(council: Council, item: Mapping[str, Any]) -> None:
    node = council.nodes[item["agency"]]
    rows = await node.read(
        lambda t: t.tx.rows(
            "SELECT withdrawn_at FROM involvement i JOIN client c ON c.id = i.client "
            "WHERE c.local_id = ?",
            item["client"],
        )
    )
    must(all(row["withdrawn_at"] for row in rows), "what was withdrawn is not")


async def _signed(council: Council, item: Mapping[str, Any]) -> None:
    directory = await council.hub_read(lambda tables: tables.directory.current())
    must(directory.charter.version == item["version"], "a charter in force is not in force")
    for node in council.nodes.values():
        must(directory.accepted.get(node.party_id) == item["version"], "a signature is lost")


_HELD: Mapping[str, Any] = {
    "joined": _joined,
    "imported": _imported,
    "opened": _opened,
    "refused": _refused,
    "recalled": _recalled,
    "parted": _parted,
    "withdrawn": _withdrawn,
    "signed": _signed,
}
