"""Seven witnesses, five of them at agencies; two agencies are closed for August, then a third."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from audit.witness.pull import Puller
from audit.witness.store import WitnessStore, make_witness
from hub.log.quorum_status import quorum_status
from hub.server.status_page import to_html
from protocol.errors import ErrorCode, RemoteError
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.witness import encode_add_checkpoint
from protocol.requests.refusals import RefusalCode
from protocol.signing import SecretSeed
from tests.sim.federation import SimFederation, SimNode, simulated, two_agencies

AGENCIES = tuple(f"w{number}.example" for number in range(1, 6))
SEVEN = (*AGENCIES, "archive.example", "neighbour.example")


@pytest_asyncio.fixture
async def council(tmp_path: Path) -> AsyncIterator[SimFederation]:
    """Seven witnesses, of whom five must sign."""
    async with simulated(tmp_path, SEVEN) as made:
        yield made


def close(council: SimFederation, *numbers: int, closed: bool = True) -> None:
    """Switch the witnesses of these agencies off, or on again."""
    for number in numbers:
        council.network.witnesses[f"https://w{number}.example"].asleep = closed


async def asked(council: SimFederation, agencies: tuple[SimNode, SimNode]) -> str:
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await council.settle()
    return request_id


async def test_two_of_five_agencies_are_closed_and_work_goes_on(council: SimFederation) -> None:
    agencies = await two_agencies(council)
    assert agencies[0].membership.charter.quorum == 5
    close(council, 4, 5)
    request_id = await asked(council, agencies)
    await agencies[0].answer(request_id)
    await council.settle()
    assert (await agencies[1].sent(request_id))["state"] == "opened"


async def test_with_a_third_away_no_card_moves_until_one_is_back(council: SimFederation) -> None:
    agencies = await two_agencies(council)
    health, care = agencies
    close(council, 3, 4, 5)
    allowed, refused = await asked(council, agencies), await asked(council, agencies)
    await health.answer(allowed)
    await health.answer(refused, RefusalCode.NOT_PROPORTIONATE)
    await council.settle()
    assert await council.entries("release") == []
    assert (await care.sent(refused))["state"] == "refused", "a refusal needs no quorum"
    await council.hub.jobs.watch()
    now = council.clock()
    found = await council.hub_read(lambda tables: quorum_status(tables, now))
    assert found is not None
    assert found.since is not None
    assert set(found.missing) == {"w3.example", "w4.example", "w5.example"}
    assert (await care.team("c1")).others[0].duty_line, "there is somebody to ring"
    close(council, 3, closed=False)
    await council.settle()
    assert (await care.sent(allowed))["state"] == "opened", "it opens by itself"


async def test_the_status_says_it_in_words_and_the_operator_is_told_after_ten_minutes(
    council: SimFederation, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    program = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    council.hub.settings.alarm_command = [sys.executable, "-c", program]
    close(council, 3, 4, 5)
    await council.hub.jobs.round()
    await council.checkpoint()
    began = council.clock()
    await council.hub.jobs.watch()
    council.clock.now += 5 * 60
    await council.hub.jobs.watch()
    assert not told.exists()
    council.clock.now += 6 * 60
    await council.hub.jobs.watch()
    await council.hub.jobs.watch()
    (value,) = [json.loads(line) for line in told.read_text().splitlines()]
    assert (value["alarm"], value["since"]) == ("no_quorum", began)
    found = await council.hub_read(lambda tables: quorum_status(tables, council.clock()))
    page = to_html(found, council.clock())
    for said in ("No. Only 4 of 7 witnesses", "w5.example", "Call the duty desk", "01632 960000"):
        assert said in page
    assert "<script" not in page
    close(council, 3, closed=False)
    await council.checkpoint()
    await council.hub.jobs.watch()
    found = await council.hub_read(lambda tables: quorum_status(tables, council.clock()))
    assert "Yes. 5 of 7 witnesses" in to_html(found, council.clock())


async def test_a_witness_behind_nat_pulls_and_its_line_counts(
    council: SimFederation, tmp_path: Path
) -> None:
    """The seed of w5 in a real witness's folder; nobody can reach it."""
    agencies = await two_agencies(council)
    inside = council.network.witnesses["https://w5.example"]
    close(council, 3, 4, 5)
    make_witness(tmp_path / "w5", "w5.example", inside.signer.seed)
    store = WitnessStore(tmp_path / "w5")
    assert inside.log is not None
    store.add_log(inside.log.key)
    puller = Puller(council.network, "https://hub.example", store, council.clock)  # type: ignore[arg-type]
    request_id = await asked(council, agencies)
    await agencies[0].answer(request_id)
    await council.settle()
    assert await council.entries("release") == [], "four are not enough"
    await puller.step(wait=0)
    await council.settle()
    assert len(await council.entries("release")) == 1
    await puller.step(wait=0)
    await puller.step(wait=0)  # nothing is new: it does not sign every few seconds
    store.close()


async def test_a_pulling_witness_refuses_a_shorter_log_and_a_second_one(
    council: SimFederation, tmp_path: Path
) -> None:
    inside = council.network.witnesses["https://w5.example"]
    make_witness(tmp_path / "w5", "w5.example", inside.signer.seed)
    store = WitnessStore(tmp_path / "w5")
    assert inside.log is not None
    store.add_log(inside.log.key)
    puller = Puller(council.network, "https://hub.example", store, council.clock)  # type: ignore[arg-type]
    await council.hub.jobs.round()
    await council.checkpoint()
    await puller.step(wait=0)
    puller._size = 99
    with pytest.raises(RemoteError) as caught:
        await puller.step(wait=0)
    assert caught.value.code is ErrorCode.CONFLICT
    store.close()


async def test_a_pulling_witness_says_what_is_wrong_with_what_it_is_given(
    council: SimFederation, tmp_path: Path
) -> None:
    inside = council.network.witnesses["https://w5.example"]
    assert inside.log is not None
    make_witness(tmp_path / "w5", "w5.example", inside.signer.seed)
    store = WitnessStore(tmp_path / "w5")
    puller = Puller(council.network, "https://hub.example", store, council.clock)  # type: ignore[arg-type]

    async def refused() -> ErrorCode:
        with pytest.raises(RemoteError) as caught:
            await puller.step(wait=0)
        return caught.value.code

    assert await refused() is ErrorCode.NOT_FOUND, "a log it does not witness is no fork"
    store.add_log(inside.log.key)
    real = council.network._pulled
    body = (await real("https://hub.example/v1/add-checkpoint/0?wait=0"))[1]
    size = council.services.publisher.size
    other = Checkpoint("hub.example/log", size, b"\x07" * 32)
    stranger = NoteSigner(other.origin, SignatureType.ED25519, SecretSeed(b"\x77" * 32))
    not_theirs = sign_checkpoint(other, stranger).encode()
    for wrong, code in (
        (encode_add_checkpoint(0, (), not_theirs), ErrorCode.BAD_SIGNATURE),
        (body[:40], ErrorCode.MALFORMED),
    ):
        await answering(council, wrong)
        assert await refused() is code
    council.network._pulled = real  # type: ignore[method-assign]
    await puller.step(wait=0)
    forged = sign_checkpoint(other, council.services.publisher._signer).encode()
    await answering(council, encode_add_checkpoint(size, (), forged))
    puller._signed_at = 0
    assert await refused() is ErrorCode.BAD_TREE
    assert len(store.forks("hub.example/log")) == 1, "it is kept as proof"
    store.close()


async def answering(council: SimFederation, body: bytes) -> None:
    """From now on the hub gives this to whoever pulls."""

    async def pulled(_: str) -> tuple[int, bytes]:
        return 200, body

    council.network._pulled = pulled  # type: ignore[method-assign,assignment]


async def test_a_line_that_did_not_arrive_is_brought_again(
    council: SimFederation, tmp_path: Path
) -> None:
    inside = council.network.witnesses["https://w5.example"]
    assert inside.log is not None
    close(council, 5)
    make_witness(tmp_path / "w5", "w5.example", inside.signer.seed)
    store = WitnessStore(tmp_path / "w5")
    store.add_log(inside.log.key)
    puller = Puller(council.network, "https://hub.example", store, council.clock)  # type: ignore[arg-type]
    await council.hub.jobs.round()
    await council.checkpoint()

    def cut(*_: object) -> None:
        raise RemoteError(ErrorCode.UNREACHABLE, "cut off")

    publisher = council.services.publisher
    take = publisher.take
    publisher.take = cut  # type: ignore[method-assign,assignment]
    with pytest.raises(RemoteError):
        await puller.step(wait=0)
    publisher.take = take  # type: ignore[method-assign]
    assert "w5.example" not in await council.signers()
    await puller.step(wait=0)
    assert "w5.example" in await council.signers(), "at once, not with the next heartbeat"
    store.close()
