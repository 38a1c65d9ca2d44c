"""A hub from an encrypted backup: it signs only if nobody has seen more."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from hub.config import HubSettings, load_settings
from hub.log.backup import make_backup, make_pepper_backup, restore_backup
from hub.members import accounts
from hub.members.office import Plan, make_hub
from hub.members.succession import begin
from hub.server.service import HubService
from protocol.errors import ErrorCode, LocalError
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, sign_checkpoint
from runtime.environment import Environment
from runtime.secrets import read_secrets
from tests.sim.federation import ON_BOTH_ENGINES, ORIGIN, SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_backup import Safe, age

Agencies = tuple[SimNode, SimNode]


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    return Safe(tmp_path)


def back_up(federation: SimFederation, safe: Safe) -> tuple[Path, Path]:
    """The backup of a running hub, and that of its pepper."""
    folder, env = federation.folder / "hub", federation.hub.env
    backup, pepper = federation.folder / "hub.age", federation.folder / "pepper.age"
    make_backup(folder, backup, [safe.recipient], env)
    make_pepper_backup(folder, pepper, [safe.recipient], env)
    return backup, pepper


async def restored(
    federation: SimFederation, backup: Path, pepper: Path | None, safe: Safe
) -> HubService:
    """Lose the hub's folder, restore it, and have it ready to start."""
    folder, env = federation.folder / "hub", federation.hub.env
    await federation.services.publisher.close()
    await federation.hub.engine.close()
    shutil.rmtree(folder)
    await asyncio.to_thread(restore_backup, folder, backup, pepper, [safe.file], env)
    now = {"database": load_settings(folder).database}
    settings = federation.hub.settings.model_copy(update=now)
    return HubService(folder, settings, Environment(env.clock, env.random))


async def started(federation: SimFederation, hub: HubService) -> None:
    """Start a hub as `serve` does."""
    await hub.check_newest(federation.network)  # type: ignore[arg-type]
    federation.hub, federation.services = hub, await hub.start()
    federation.network.hub = federation.services


async def refused(federation: SimFederation, hub: HubService) -> LocalError:
    with pytest.raises(LocalError) as caught:
        await started(federation, hub)
    return caught.value


@ON_BOTH_ENGINES
async def test_the_newest_backup_goes_on(
    federation: SimFederation, agencies: Agencies, safe: Safe
) -> None:
    """Nodes read the mail that came before and after, each once; links and matching are there."""
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    now = federation.clock()
    olive = await federation.hub_write(lambda t: accounts.invite(t, "olive", "used since", now))
    await federation.hub_write(lambda t: t.factors.put_codes(olive.id, ["used since"]))
    backup, pepper = back_up(federation, safe)
    await started(federation, await restored(federation, backup, pepper, safe))
    assert not await federation.hub_read(lambda t: t.factors.codes_left(olive.id))
    assert await federation.hub_read(lambda t: t.accounts.invited("used since")) is None
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert len(await federation.entries("decision")) == 1
    await health.write(lambda tables: tables.records.withdraw(1, federation.clock()))
    await health.publish()
    await federation.round()
    assert (await care.team("c1")).others == ()
    assert await audited(federation) == set()
    assert (federation.folder / "hub" / "hub.sqlite").exists(), "it begins anew in a file"


async def test_an_older_backup_signs_nothing_and_leads_to_a_successor(
    federation: SimFederation, agencies: Agencies, safe: Safe
) -> None:
    """Not even its word that it took a message. What it holds is enough for a new log."""
    _, care = agencies
    backup, _ = back_up(federation, safe)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    size = federation.services.publisher.size
    hub = await restored(federation, backup, None, safe)
    error = await refused(federation, hub)
    assert error.code is ErrorCode.STORAGE
    assert f"has signed {size} entries, this backup holds {size - 2}" in error.detail
    assert "patchwork-hub succeed" in error.detail
    with pytest.raises(LocalError):
        await hub.start()
    await hub.engine.close()
    old, new = federation.folder / "hub", federation.folder / "new"
    (old / "plan.json").write_text(json.dumps({"charter_id": "00" * 16}))
    notes = [w.shows for w in federation.network.witnesses.values() if w.shows is not None]
    made = await begin(new, old, notes, "hub.example/log2", Environment(federation.clock))
    assert made.lacks == 2
    assert read_secrets(new / "keys.json").keys() == {"sign", "log", "pepper"}


async def test_too_few_witnesses_to_be_sure(
    federation: SimFederation, agencies: Agencies, safe: Safe
) -> None:
    """Of three with a quorum of three one is enough: whatever was signed, it signed too."""
    backup, pepper = back_up(federation, safe)
    hub = await restored(federation, backup, pepper, safe)
    shown = {url: w.shows for url, w in federation.network.witnesses.items()}
    for witness in federation.network.witnesses.values():
        witness.shows = None
    error = await refused(federation, hub)
    assert error.code is ErrorCode.NOT_READY
    assert "what was signed last was shown by 0 witnesses; it takes 1" in error.detail
    url, witness = next(iter(federation.network.witnesses.items()))
    witness.shows = b"nothing that can be read"
    assert (await refused(federation, hub)).code is ErrorCode.NOT_READY
    witness.shows = shown[url]
    await started(federation, hub)
    await federation.round()
    del agencies


async def test_a_witness_that_has_signed_another_log(
    federation: SimFederation, agencies: Agencies, safe: Safe
) -> None:
    """As long, and not the same: somebody has run the lost hub on."""
    backup, pepper = back_up(federation, safe)
    signer, size = federation.services.publisher._signer, federation.services.publisher.size
    hub = await restored(federation, backup, pepper, safe)
    other = Checkpoint(ORIGIN, size, b"\x07" * 32)
    witness = next(iter(federation.network.witnesses.values()))
    line = cosign_checkpoint(other, witness.signer, federation.clock())
    witness.shows = sign_checkpoint(other, signer).with_signatures([line]).encode()
    error = await refused(federation, hub)
    assert error.code is ErrorCode.STORAGE
    assert "has signed another log" in error.detail
    del agencies


async def test_the_pepper_is_kept_apart(
    federation: SimFederation, agencies: Agencies, safe: Safe
) -> None:
    """Whoever opens the backup of a hub cannot try tokens against it."""
    backup, pepper = back_up(federation, safe)
    secret = read_secrets(federation.folder / "hub" / "keys.json")["pepper"].hex().encode()
    assert secret not in age("--decrypt", "--identity", safe.file, backup)
    assert secret in age("--decrypt", "--identity", safe.file, pepper)
    hub = await restored(federation, backup, None, safe)
    error = await refused(federation, hub)
    assert error.code is ErrorCode.NOT_READY
    assert "--pepper" in error.detail
    await hub.engine.close()
    env, empty = federation.hub.env, federation.folder / "empty"
    for source, beside in ((pepper, pepper), (backup, backup)):
        with pytest.raises(LocalError) as caught:
            await asyncio.to_thread(restore_backup, empty, source, beside, [safe.file], env)
        assert caught.value.code is ErrorCode.BAD_FILE
        assert "is a backup of " in caught.value.detail
        assert " is wanted here" in caught.value.detail
        assert {path.name for path in empty.iterdir()} <= {"hub.lock"}
    del agencies


async def test_a_hub_that_is_not_founded_yet(tmp_path: Path, safe: Safe) -> None:
    """It is restored, and says what comes next as it did before."""
    env, folder, backup = Environment(), tmp_path / "hub", tmp_path / "hub.age"
    make_hub(folder, Plan("aa" * 16, "Hub", "Council", "hub.example/log"), env)
    with pytest.raises(LocalError, match="run patchwork-hub found first"):
        await HubService(folder, HubSettings(port=0), env).run(lambda _port: None)
    make_backup(folder, backup, [safe.recipient], env)
    shutil.rmtree(folder)
    await asyncio.to_thread(restore_backup, folder, backup, None, [safe.file], env)
    assert {path.name for path in folder.iterdir()} >= {"plan.json", "keys.json", "hub.sqlite"}
    with pytest.raises(LocalError, match="run patchwork-hub found first"):
        await HubService(folder, HubSettings(port=0), env).run(lambda _port: None)
