"""Key holders: one that passes requests on, one cut off from the log, budgets, daily counts."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from keys.batch import pack_points
from keys.groups import default_group
from keys.holder.service import HolderService
from protocol.dsse import ENVELOPE_LIMIT
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.evaluations import EvaluateBody
from protocol.wire import ExportRecord, encode_wire
from tests.sim.federation import DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_stolen_node import Agencies, ordered

DAY = 86_400
SOMEBODY_NEW = replace(SAMIR, postcode="LX9 9ZZ")
FIRST, SECOND, THIRD = (f"https://holder-{number}.example" for number in (1, 2, 3))


def request_of(node: SimNode, count: int = 1, number: int = 1) -> bytes:
    """A request for `count` evaluations to the key holder of this number."""
    points = pack_points([default_group().multiply_base(5 + item) for item in range(count)])
    body = EvaluateBody(
        epoch=1,
        quorum=[1, max(2, number)],
        count=count,
        points_hash=hashlib.sha256(points).hexdigest(),
    )
    aud = node.membership.charter.token_key.holders[number - 1].holder_id
    envelope = node.membership.sign(body, aud).envelope.encode()
    return len(envelope).to_bytes(4, "big") + envelope + points


def holder(federation: SimFederation, url: str = FIRST) -> HolderService:
    return federation.network.holders[url]


async def used(service: HolderService) -> list[int]:
    sql = "SELECT evaluations FROM meter ORDER BY party_id, day"
    rows = await service._engine.read(lambda tables: tables.tx.rows(sql))
    return [item["evaluations"] for item in rows]


class TestAmongThemselves:
    async def test_a_holder_that_passes_a_request_on_spoils_nothing_for_an_honest_one(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, _ = agencies
        refused, asked = [], []
        network, real = federation.network, federation.network.post

        async def rogue(url: str, body: bytes, headers: Any = None) -> bytes:
            if url.endswith("/v1/evaluations"):
                asked.append(url.removesuffix("/v1/evaluations"))
            if url.startswith(FIRST):
                try:
                    await network.holders[SECOND].answer(body)
                except RemoteError as error:
                    refused.append(error.code)
            return await real(url, body, headers)

        monkeypatch.setattr(network, "post", rogue)
        await health.take_in(row("new", SOMEBODY_NEW, "health_visiting", DUTY))
        assert (await health.publish()).changed == 1, "the honest one answers its own request"
        assert refused == [ErrorCode.WRONG_RECIPIENT]
        assert asked == [FIRST, SECOND], "and is not taken to be away"

    async def test_a_node_of_an_older_version_that_names_nobody_is_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        points = default_group().multiply_base(5)
        body = EvaluateBody(
            epoch=1, quorum=[1, 2], count=1, points_hash=hashlib.sha256(points).hexdigest()
        )
        old = health.membership.sign(body, health.membership.hub.hub_id).envelope.encode()
        with pytest.raises(RemoteError) as caught:
            await holder(federation).answer(len(old).to_bytes(4, "big") + old + points)
        assert caught.value.code is ErrorCode.WRONG_RECIPIENT


class TestCutOffFromTheLog:
    async def test_a_suspended_member_is_served_for_an_hour_and_no_longer(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The hub shows this holder nothing new, so that it never hears of the suspension."""
        health, _ = agencies
        held = {FIRST: federation.network.holders.pop(FIRST)}
        request = request_of(health)
        await ordered(federation, health, "suspended")
        federation.network.holders.update(held)
        assert await holder(federation).answer(request), "an old copy of the log says: a member"
        federation.clock.now += 3601
        with pytest.raises(RemoteError, match="last hour") as caught:
            await holder(federation).answer(request_of(health))
        assert caught.value.code is ErrorCode.NO_QUORUM
        assert await used(holder(federation)), "what was served is booked"

    async def test_a_quiet_log_that_witnesses_still_sign_is_fresh(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        federation.clock.now += 7200
        await federation.checkpoint()
        assert await holder(federation).answer(request_of(health))


class TestBudgets:
    async def test_a_first_load_passes_with_any_one_holder_off(
        self, federation: SimFederation
    ) -> None:
        charity = await federation.join("A charity", "charity", clients=20)
        del federation.network.holders[SECOND]
        await holder(federation).answer(request_of(charity, 440))
        await holder(federation, THIRD).answer(request_of(charity, 440, number=3))
        assert await used(holder(federation)) == await used(holder(federation, THIRD)) == [440]

    async def test_a_charity_cannot_try_a_town(self, federation: SimFederation) -> None:
        charity = await federation.join("A charity", "charity", clients=20)
        await holder(federation).answer(request_of(charity, 450))
        for left in (0, 150, 300, 450, 450):
            said = f"{left} of 450 evaluations are left, and 150 more come each day"
            with pytest.raises(RemoteError, match=said) as caught:
                await holder(federation).answer(request_of(charity, left + 1))
            assert caught.value.code is ErrorCode.OVER_QUOTA
            federation.clock.now += DAY
            await federation.checkpoint()
        assert await used(holder(federation)) == [450], "a refused request costs nothing"


class TestCounts:
    async def test_a_day_of_many_agencies_is_several_statements_that_are_all_logged(
        self, federation: SimFederation
    ) -> None:
        day, first = federation.clock() // DAY, holder(federation)
        booked = {f"{number:032x}": number + 1 for number in range(300)}

        def book(tables: Any) -> None:
            for party_id, count in booked.items():
                row = {"party_id": party_id, "day": day, "evaluations": count}
                tables.tx.put("meter", row, ("party_id", "day"))

        await first._engine.write(book)
        federation.clock.now += DAY
        await federation.checkpoint()
        assert await first.report(federation.network) == 1  # type: ignore[arg-type]
        entries = await federation.entries("evaluation_count")
        assert max(len(entry["envelope"]) for entry in entries) <= ENVELOPE_LIMIT
        bodies = [
            json.loads(from_base64(json.loads(entry["envelope"])["payload"]))["body"]
            for entry in entries
        ]
        counted = {
            item["party_id"]: item["evaluations"] for body in bodies for item in body["counts"]
        }
        assert counted == booked
        assert {body["day"] for body in bodies} == {day}
        assert await first.report(federation.network) == 0, "each day is reported once"  # type: ignore[arg-type]


class TestPutBack:
    """A key holder's folder is lost, and a copy of before is put in its place."""

    async def test_it_takes_its_counts_from_the_log_and_refuses_until_the_day_is_over(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        before = await used(holder(federation))
        copy = await closed(federation)
        first = await put_back(federation, copy)
        await first.sync(federation.network)  # type: ignore[arg-type]
        await first.answer(request_of(health, 40))
        federation.clock.now += DAY
        await federation.checkpoint()
        assert await first.report(federation.network) == 1  # type: ignore[arg-type]
        await federation.checkpoint()
        after = await used(first)
        assert sum(after) == sum(before) + 40
        await closed(federation)
        anew = await put_back(federation, copy)
        await anew.sync(federation.network)  # type: ignore[arg-type]
        assert await used(anew) == after
        with pytest.raises(RemoteError, match="put back from a backup"):
            await anew.answer(request_of(health))
        again = await put_back(federation, await closed(federation))
        await again.sync(federation.network)  # type: ignore[arg-type]
        with pytest.raises(RemoteError, match="put back from a backup"):
            await again.answer(request_of(health))
        federation.clock.now += DAY
        await federation.checkpoint()
        await again.sync(federation.network)  # type: ignore[arg-type]
        assert await again.answer(request_of(health))

    async def test_stopped_before_it_has_read_them_it_reads_them_at_the_next_start(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        copy = await closed(federation)
        first = await put_back(federation, copy)
        await first.sync(federation.network)  # type: ignore[arg-type]
        await first.answer(request_of(health, 40))
        federation.clock.now += DAY
        await federation.checkpoint()
        await first.report(federation.network)  # type: ignore[arg-type]
        await federation.checkpoint()
        after = await used(first)
        await closed(federation)
        anew = await put_back(federation, copy)
        federation.network.tamper["/v1/resyncs"] = lambda _: b""
        with pytest.raises(RemoteError):
            await anew.sync(federation.network)  # type: ignore[arg-type]
        federation.network.tamper.clear()
        again = await put_back(federation, await closed(federation))
        await again.sync(federation.network)  # type: ignore[arg-type]
        assert await used(again) == after
        with pytest.raises(RemoteError, match="put back from a backup"):
            await again.answer(request_of(health))

    async def test_one_that_was_only_off_goes_on_at_once(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        data = await closed(federation)
        await federation.round()
        anew = await put_back(federation, data)
        await anew.sync(federation.network)  # type: ignore[arg-type]
        assert await anew.answer(request_of(health))

    async def test_counts_that_it_has_not_signed_are_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        other, data = holder(federation, SECOND), await closed(federation)
        federation.clock.now += DAY
        await federation.checkpoint()
        await other.report(federation.network)  # type: ignore[arg-type]
        await federation.checkpoint()
        (entry,) = await federation.entries("evaluation_count")
        anew = await put_back(federation, data)

        def of_another(records: bytes) -> bytes:
            record = ExportRecord(
                index=entry["idx"],
                salt="00" * 32,
                envelope=to_base64(entry["envelope"]),
                evidence=0,
            )
            return encode_wire(record)

        federation.network.tamper["/v1/resyncs"] = of_another
        with pytest.raises(RemoteError) as caught:
            await anew.sync(federation.network)  # type: ignore[arg-type]
        assert caught.value.code is ErrorCode.BAD_SIGNATURE
        with pytest.raises(RemoteError, match="reading its counts"):
            await anew.answer(request_of(agencies[0]))


async def closed(federation: SimFederation) -> bytes:
    """Stop the first key holder; its database."""
    await federation.network.holders.pop(FIRST).close()
    return (federation.folder / "holder-1" / "holder.sqlite").read_bytes()


async def put_back(federation: SimFederation, data: bytes) -> HolderService:
    """Start the first key holder with this database; it is not in touch with the hub yet."""
    folder, settings = federation.folder / "holder-1", holder(federation, SECOND).settings
    for path in folder.glob("holder.sqlite*"):
        path.unlink()
    (folder / "holder.sqlite").write_bytes(data)
    anew = HolderService(folder, settings, federation.clock)
    await anew.start()
    federation.network.holders[FIRST] = anew
    return anew
