"""Witnesses that are away, late or slow, and what is kept of those that sign."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.log.archive import page_of_notes
from hub.log.quorum_status import quorum_status
from hub.server.status_page import to_html, to_lines
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.follow import witness_keys
from protocol.log.checkpoint import (
    Checkpoint,
    cosign_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    verify_cosigners,
)
from protocol.log.note import MAX_SIGNATURE_LINES, NoteSigner, SignatureType
from protocol.signing import SecretSeed
from tests.sim.federation import SimFederation, SimWitness, simulated

FOUR = ("w1.example", "w2.example", "w3.example", "w4.example")


@pytest_asyncio.fixture
async def council(tmp_path: Path) -> AsyncIterator[SimFederation]:
    """Four witnesses, of whom three must sign."""
    async with simulated(tmp_path, FOUR) as made:
        yield made


def witness(council: SimFederation, number: int) -> SimWitness:
    return council.network.witnesses[f"https://w{number}.example"]


async def published(council: SimFederation) -> tuple[int, dict[str, int]]:
    """Size of the published checkpoint, and who signed it when."""
    data = council.services.publisher.tiles.read_checkpoint()
    assert data is not None
    note, checkpoint = parse_checkpoint(data)
    return checkpoint.size, verify_cosigners(note, witness_keys(await council.charter()))


async def notes(council: SimFederation, after: int = 0) -> list[Mapping[str, Any]]:
    page = await council.services.engine.read(lambda tables: page_of_notes(tables, after))
    found: list[Mapping[str, Any]] = json.loads(page)["notes"]
    return found


async def grow(council: SimFederation) -> None:
    """Log one entry more and publish, without waiting for anybody's turn to come again."""
    await council.hub.jobs.round()
    await council.services.publisher.step(council.network)  # type: ignore[arg-type]


async def test_a_witness_that_hangs_delays_no_checkpoint(council: SimFederation) -> None:
    witness(council, 4).stuck = asyncio.Event()
    started = time.monotonic()
    sizes = []
    for _ in range(3):
        await grow(council)
        sizes.append(await published(council))
    assert time.monotonic() - started < 2, "nobody waited for the fourth"
    assert [size for size, _ in sizes] == [3, 4, 5]
    assert all(set(signed) == set(FOUR[:3]) for _, signed in sizes)
    assert witness(council, 4).asked == 2, "asked at the founding, then once: it still thinks"


async def test_a_witness_that_is_away_is_asked_ever_more_rarely(council: SimFederation) -> None:
    away = witness(council, 4)
    away.asleep, away.asked = True, 0
    for _ in range(300):
        council.clock.now += 1
        await council.services.publisher.step(council.network)  # type: ignore[arg-type]
        await council.services.publisher.cosignatures.idle()
        if council.clock.now % 20 == 0:
            await council.hub.jobs.round()
    assert 15 <= away.asked <= 23, "at most every 15 seconds in the end, and not at every step"
    away.asleep = False
    council.clock.now += 15
    await grow(council)
    await council.services.publisher.cosignatures.idle()
    await council.services.publisher.step(council.network)  # type: ignore[arg-type]
    assert set((await published(council))[1]) == set(FOUR), "and is back at once when it answers"


async def other_note(council: SimFederation, size: int, *, forged: bool) -> bytes:
    """A checkpoint of a longer log, by the log's own key or by a stranger's."""
    signer = council.services.publisher._signer
    if forged:
        signer = NoteSigner(signer.name, SignatureType.ED25519, SecretSeed(b"\x07" * 32))
    return sign_checkpoint(Checkpoint(signer.name, size, bytes(32)), signer).encode()


@pytest.mark.parametrize("shows", ["nothing", "rubbish", "a forgery", "what we know"])
async def test_a_witness_that_claims_a_longer_log_stops_nothing(
    council: SimFederation, shows: str
) -> None:
    liar = witness(council, 4)
    liar.says = 10**17
    liar.shows = {
        "nothing": None,
        "rubbish": b"\xff" * 50,
        "a forgery": await other_note(council, 10**17, forged=True),
        "what we know": liar.shows,
    }[shows]
    for size in (3, 4, 5):
        council.clock.now += 60
        await grow(council)
        await council.services.publisher.cosignatures.idle()
        assert (await published(council))[0] == size
    assert set((await published(council))[1]) == set(FOUR[:3])
    assert council.services.publisher.cosignatures.ahead is None


async def test_a_witness_that_shows_a_longer_log_stops_it(council: SimFederation) -> None:
    watchful = witness(council, 4)
    watchful.says, watchful.shows = 90, await other_note(council, 90, forged=False)
    await grow(council)
    await council.services.publisher.cosignatures.idle()
    with pytest.raises(LocalError, match=r"w4\.example has seen a longer log than ours"):
        await council.services.publisher.step(council.network)  # type: ignore[arg-type]


async def shown(council: SimFederation, *, served: bool) -> str:
    """The status as the running hub serves it, or as the command beside it prints it."""
    ahead = council.services.publisher.cosignatures.ahead if served else None
    now = council.clock()
    found = await council.hub_read(lambda tables: quorum_status(tables, now, ahead))
    return to_html(found, now) if served else "\n".join(to_lines(found))


async def test_an_old_copy_of_a_hub_does_not_contradict_itself(council: SimFederation) -> None:
    """All four have signed, and yet nothing moves: the page says why, and not "only 4 of 4"."""
    await council.hub.jobs.watch()
    assert "Yes. 4 of 4 witnesses" in await shown(council, served=False)
    watchful = witness(council, 4)
    watchful.says, watchful.shows = 90, await other_note(council, 90, forged=False)
    council.clock.now += 300
    await grow(council)
    await council.services.publisher.cosignatures.idle()
    pages = [await shown(council, served=True)]
    await council.hub.jobs.watch()
    pages += [await shown(council, served=True), await shown(council, served=False)]
    for page in pages:
        assert "No. The witness w4.example has seen a longer log" in page
        assert "has signed a longer log than this hub has" in page
        assert "Send no requests now" in page
        assert "bring back the newer folder" in page
        for contradiction in ("Yes.", "Only 4", "You can send a request now", "Missing:"):
            assert contradiction not in page


async def test_a_hub_that_does_not_run_says_that_nothing_moves(council: SimFederation) -> None:
    """Nobody wrote down that the witnesses' signatures are too old by now: the times say so."""
    await council.hub.jobs.watch()
    now = council.clock() + 7200
    found = await council.hub_read(lambda tables: quorum_status(tables, now))
    page = to_html(found, now)
    assert "No. Only 0 of 4 witnesses" in page
    assert "Yes." not in page


async def test_a_witness_adds_one_line_to_a_late_checkpoint_and_no_more(
    council: SimFederation,
) -> None:
    away = witness(council, 4)
    away.asleep = True
    await grow(council)
    data = council.services.publisher.tiles.read_checkpoint()
    assert data is not None
    early, checkpoint = parse_checkpoint(data)
    await grow(council)
    held = len(await notes(council))
    for _ in range(50):
        council.clock.now += 1
        line = cosign_checkpoint(checkpoint, away.signer, council.clock())
        await council.services.publisher.take(early.text, (line,))
    assert len(await notes(council)) == held + 1


async def test_a_late_line_over_the_newest_checkpoint_is_published(council: SimFederation) -> None:
    slow = witness(council, 4)
    slow.stuck = asyncio.Event()
    await grow(council)
    assert (await published(council))[1].keys() == set(FOUR[:3])
    slow.stuck.set()
    await council.services.publisher.cosignatures.idle()
    await council.services.publisher.step(council.network)  # type: ignore[arg-type]
    assert (await published(council))[1].keys() == set(FOUR)


async def test_a_late_line_over_an_earlier_checkpoint_is_archived(council: SimFederation) -> None:
    slow = witness(council, 4)
    slow.stuck = asyncio.Event()
    await grow(council)
    size, _ = await published(council)
    await grow(council)
    before = await published(council)
    slow.stuck.set()
    await council.services.publisher.cosignatures.idle()
    kept = [parse_checkpoint(item["note"].encode()) for item in await notes(council)]
    last, checkpoint = kept[-1]
    assert checkpoint.size == size < before[0]
    keys = witness_keys(await council.charter())
    assert verify_cosigners(last, keys).keys() == set(FOUR)
    assert await published(council) == before, "the newest is not touched by it"


async def test_the_newest_checkpoint_is_signed_again_though_the_log_does_not_grow(
    council: SimFederation,
) -> None:
    await council.checkpoint()
    size, first = await published(council)
    seen = len(await notes(council))
    for _ in range(MAX_SIGNATURE_LINES):
        council.clock.now += 300
        await council.checkpoint()
        await council.services.publisher.cosignatures.idle()
    await council.checkpoint()
    again, last = await published(council)
    assert (again, last.keys()) == (size, first.keys())
    assert min(last.values()) >= council.clock.now - 300
    data = council.services.publisher.tiles.read_checkpoint() or b""
    assert len(parse_checkpoint(data)[0].signatures) == 5, "a newer line replaces the older one"
    archived = await notes(council, seen)
    assert MAX_SIGNATURE_LINES - 1 <= len(archived) <= 2 * MAX_SIGNATURE_LINES + 2


async def test_the_archive_is_read_in_pages_and_survives_a_restart(council: SimFederation) -> None:
    for _ in range(3):
        await grow(council)
    first = await notes(council)
    numbers = [item["seq"] for item in first]
    assert numbers == sorted(set(numbers))
    assert (await notes(council, numbers[1]))[0] == first[2]
    assert await notes(council, numbers[-1]) == []
    served = council.services.publisher.tiles.read_checkpoint() or b""
    assert first[-1]["note"].encode() == served


async def test_only_a_witness_of_the_charter_can_bring_a_line(council: SimFederation) -> None:
    publisher = council.services.publisher
    before = await published(council), await notes(council)
    stranger = NoteSigner("w1.example", SignatureType.COSIGNATURE_V1, SecretSeed(b"\x07" * 32))
    known = witness(council, 1)
    note, checkpoint = parse_checkpoint(publisher.tiles.read_checkpoint() or b"")
    with pytest.raises(RemoteError) as caught:
        await publisher.take(note.text, (cosign_checkpoint(checkpoint, stranger, council.clock()),))
    assert caught.value.code is ErrorCode.BAD_SIGNATURE
    other = Checkpoint(checkpoint.origin, checkpoint.size, b"\x66" * 32)
    with pytest.raises(RemoteError) as caught:
        await publisher.take(
            other.text(), (cosign_checkpoint(other, known.signer, council.clock()),)
        )
    assert caught.value.code is ErrorCode.NOT_FOUND, "a tree that this log never signed"
    await council.checkpoint()
    assert (await published(council), await notes(council)) == before
