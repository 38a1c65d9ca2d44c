"""Years later: what the charter says must go is gone, and what was proved stays proved."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.findings import FindingCode, Severity
from hub.cli.main import app
from hub.log.ledger import Ledger
from hub.log.retention import erase_all
from hub.store.tables import HubTables
from protocol.errors import RemoteError
from protocol.governance.retention import DAY
from protocol.log.leaf import LeafKind, parse_leaf, verify_sealed
from protocol.log.merkle import leaf_hash, verify_inclusion
from protocol.messages.log import ErasureBody
from protocol.signing import SecretSeed
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited

Agencies = tuple[SimNode, SimNode]


async def brokered(federation: SimFederation, agencies: Agencies) -> str:
    """A request that goes all the way, and its statements' place in the log."""
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    return request_id


async def later(federation: SimFederation, days: int) -> int:
    """Days go by, and the hub's hourly job runs; how much it erased."""
    federation.clock.now += days * DAY
    return await erase_all(federation.services.engine, federation.services.signer, "schedule")


async def payload_indexes(federation: SimFederation) -> set[int]:
    rows = await federation.hub_read(lambda tables: tables.tx.rows("SELECT idx FROM payload"))
    return {row["idx"] for row in rows}


async def test_after_retention_the_request_is_gone_and_its_proofs_stand(
    federation: SimFederation, agencies: Agencies
) -> None:
    await brokered(federation, agencies)
    tables_of = federation.hub_read
    rows = await tables_of(
        lambda tables: tables.tx.rows(
            "SELECT e.idx, e.leaf, p.salt, p.envelope FROM entry e JOIN payload p USING (idx) "
            "WHERE e.kind IN ('request', 'hub_decision', 'decision', 'release', 'receipt')"
        )
    )
    assert len(rows) == 5
    for row in rows:
        verify_sealed(row["leaf"], row["salt"], row["envelope"])
    size, _ = await tables_of(lambda tables: tables.checkpoints.head())
    await later(federation, 2554)
    assert {row["idx"] for row in rows} <= await payload_indexes(federation), "a day too early"
    await later(federation, 2)
    await federation.checkpoint()
    left = await payload_indexes(federation)
    assert not left & {row["idx"] for row in rows}
    tiles = federation.services.publisher.tiles
    new_size, _ = await tables_of(lambda tables: tables.checkpoints.head())
    assert new_size > size
    for row in rows:
        for tree in (size, new_size):
            proof = tiles.inclusion_proof(row["idx"], tree)
            verify_inclusion(leaf_hash(row["leaf"]), row["idx"], tree, proof, tiles.root(tree))
        # What somebody kept, an agency say, can still be shown to be what was logged.
        verify_sealed(row["leaf"], row["salt"], row["envelope"])
        with pytest.raises(RemoteError):
            verify_sealed(row["leaf"], row["salt"], row["envelope"] + b" ")


async def test_the_bytes_leave_the_files(federation: SimFederation, agencies: Agencies) -> None:
    await brokered(federation, agencies)
    needle = await federation.hub_read(
        lambda tables: tables.tx.one(
            "SELECT envelope FROM payload p JOIN entry e USING (idx) WHERE e.kind = 'request'"
        )
    )
    assert needle is not None
    secret = needle["envelope"][200:260]
    folder = federation.folder / "hub"

    def on_disk() -> bool:
        return any(secret in path.read_bytes() for path in folder.glob("hub.sqlite*"))

    assert on_disk()
    await later(federation, 2556)
    assert not on_disk()


async def test_erasures_are_logged_in_the_open_without_parties(
    federation: SimFederation, agencies: Agencies
) -> None:
    await brokered(federation, agencies)
    await later(federation, 2556)
    leaves = await federation.hub_read(lambda tables: tables.log.leaves(0, 10_000))
    erasures = [leaf for leaf in map(parse_leaf, leaves) if leaf.kind is LeafKind.ERASURE]
    assert erasures
    for agency in agencies:
        assert all(agency.party_id.encode() not in leaf.body for leaf in erasures)


async def test_what_later_decisions_rest_on_is_kept(
    federation: SimFederation, agencies: Agencies
) -> None:
    await later(federation, 4000)
    kept = await federation.hub_read(
        lambda tables: tables.tx.rows(
            "SELECT e.kind FROM entry e JOIN payload p USING (idx) "
            "WHERE e.kind IN ('publication', 'match_round')"
        )
    )
    assert {row["kind"] for row in kept} == {"publication", "match_round"}
    assert (await agencies[1].team("c1")).others


async def test_a_request_that_is_open_is_never_erased(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    (request,) = await federation.entries("request")
    never = federation.clock.now + 9000 * DAY

    def postpone(tables: HubTables) -> None:
        tables.tx.run("UPDATE request SET expires = ?", never)

    await federation.services.engine.write(postpone)
    await later(federation, 4000)
    assert request["idx"] in await payload_indexes(federation)


class TestTheAuditor:
    """Erased by the rules is not missing; everything else is seen."""

    async def test_a_log_from_which_much_was_erased_by_the_rules_is_clean(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)
        await later(federation, 1100)
        assert await audited(federation) == set(), "rows and items that nothing rests on"
        before = await payload_indexes(federation)
        await later(federation, 1500)
        assert before - await payload_indexes(federation)
        assert await audited(federation) == set()

    async def test_a_payload_that_is_gone_without_a_leaf_is_missing(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)
        await delete(federation, "receipt")
        assert (Severity.MISSING, FindingCode.PAYLOAD_MISSING) in await audited(federation)

    @pytest.mark.parametrize("claimed_age", [0, 9000])
    async def test_erased_before_its_time_and_passed_off_as_expired(
        self, federation: SimFederation, agencies: Agencies, claimed_age: int
    ) -> None:
        """Whatever the hub says of when it was logged: older statements stand before it."""
        await brokered(federation, agencies)
        await delete(federation, "receipt", claimed_age=claimed_age)
        assert (Severity.RULE, FindingCode.ERASED_TOO_EARLY) in await audited(federation)

    async def test_an_erasure_that_names_what_is_still_to_come_covers_nothing(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)
        await delete(federation, "receipt", index=500)
        found = await audited(federation)
        assert (Severity.MISSING, FindingCode.PAYLOAD_MISSING) in found
        assert (Severity.RULE, FindingCode.ERASURE_UNFOUNDED) in found

    async def test_what_is_said_to_be_erased_and_is_not_is_seen(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)
        federation.clock.now += 3000 * DAY
        await delete(federation, "receipt", really=False)
        assert (Severity.RULE, FindingCode.NOT_ERASED) in await audited(federation)

    async def test_an_erasure_that_the_hub_did_not_sign_is_seen(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)
        federation.clock.now += 3000 * DAY
        await delete(federation, "receipt", seed=SecretSeed(b"\x99" * 32))
        found = await audited(federation)
        assert FindingCode.BAD_SIGNATURE in {code for _, code in found}


async def delete(federation: SimFederation, kind: str, **lies: Any) -> None:
    """What a hub might do: drop a payload, and if it lies, write an erasure leaf about it."""

    def work(tables: HubTables) -> None:
        entry = tables.tx.one("SELECT idx, received_at FROM entry WHERE kind = ?", kind)
        assert entry is not None
        if lies.get("really", True):
            tables.tx.run("DELETE FROM payload WHERE idx = ?", entry["idx"])
        if not lies:
            return
        body = ErasureBody(
            index=lies["index"] if "index" in lies else entry["idx"],
            stage="payload",
            rule="retention_days",
            logged_at=entry["received_at"] - lies.get("claimed_age", 0) * DAY,
            decided_by="operator",
        )
        signer = federation.services.signer
        if "seed" in lies:
            signer = replace(signer, seed=lies["seed"])
        ledger = Ledger(tables, signer)
        ledger.issue(body, ledger.charter.charter_id)

    await federation.services.engine.write(work)


async def test_the_command_shows_first_and_erases_then(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    await brokered(federation, agencies)
    federation.clock.now += 3000 * DAY
    monkeypatch.setattr("hub.cli.log.Environment", lambda: federation.hub.env)
    await federation.services.engine.close()
    folder = str(federation.folder / "hub")

    async def run(*options: str) -> dict[str, Any]:
        command = ["erase", "--dir", folder, "--json", *options]
        done = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output))

    shown = await run("--dry-run")
    assert shown["due"]
    assert shown["erased"] == 0
    assert (await run("--dry-run"))["due"] == shown["due"], "nothing was touched"
    assert (await run())["erased"] == len(shown["due"])
    assert await run() == {"due": [], "erased": 0}
