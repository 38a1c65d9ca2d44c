"""Guessing at people through publications meets its caps; honest records pass and lose nothing."""

from dataclasses import replace
from typing import Any

import pytest

import node.publishing.drafts
import node.publishing.limits
import node.records.newcomers
from hub.members.charter_changes import proposed, put_forward
from node.links.review import Opinion
from node.publishing.publisher import Published
from node.records.clients import withdraw
from protocol.errors import ErrorCode, RemoteError
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import PublicationBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import AMIRA, DUTY, SAMIR, SimFederation, SimNode, row

DAY = 86_400
VICTIM = replace(AMIRA, nhs_number=None)


def at(postcode: str, record: ClientRecord = VICTIM) -> ClientRecord:
    """The same person somewhere else."""
    return replace(record, postcode=postcode)


async def agency_of(federation: SimFederation) -> SimNode:
    return await federation.join("Health visiting", "health_provider")


async def guess(agency: SimNode, postcode: str, local_id: str = "g1") -> Published:
    await agency.take_in(row(local_id, at(postcode), "health_visiting", DUTY))
    return await agency.publish()


def rogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node whose own limits were taken out."""
    monkeypatch.setattr(node.publishing.limits, "may_change", lambda *_: True)
    monkeypatch.setattr(node.publishing.limits, "room_for_new", lambda *_: 10**6)
    monkeypatch.setattr(node.publishing.limits.Limits, "overshared_tokens", lambda *_: {})
    monkeypatch.setattr(node.records.newcomers.Newcomers, "known", lambda *_: None)


async def hub_tokens(federation: SimFederation) -> int:
    rows = await federation.hub_read(lambda tables: tables.tx.rows("SELECT 1 FROM token"))
    return len(rows)


async def limits(federation: SimFederation, **quotas: int) -> None:
    """Found anew with other limits, before anybody has joined."""
    change: Any = {"quotas": quotas}
    new = proposed(await federation.charter(), change)
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    await federation.checkpoint()


async def days(federation: SimFederation, count: int) -> None:
    """Time passes, and witnesses go on signing."""
    federation.clock.now += count * DAY
    await federation.checkpoint()


class TestAnAddressSearch:
    """Known name and birth date, guessed postcodes, waiting for a link."""

    async def test_one_stub_revised_again_and_again_meets_its_cap_at_the_hub(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agency = await agency_of(federation)
        rogue(monkeypatch)
        for number in range(4):
            await guess(agency, f"LX{number} 4AB")
        with pytest.raises(RemoteError) as caught:
            await guess(agency, "LX5 4AB")
        assert caught.value.code is ErrorCode.OVER_LIMIT
        assert "over_limit" in str(caught.value)
        assert len(await federation.entries("publication")) == 4
        assert len(await federation.entries("rejection")) == 1, "the cap is the alarm"
        federation.clock.now += 30 * DAY + 1
        assert (await agency.publish()).changed == 1

    async def test_withdrawing_between_guesses_does_not_help(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agency = await agency_of(federation)
        rogue(monkeypatch)
        await guess(agency, "LX1 4AB")
        for number in range(2, 5):
            now = federation.clock()
            await agency.write(lambda tables, now=now: withdraw(tables, "g1", now))  # type: ignore[misc]
            await agency.publish()
            await agency.write(
                lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = NULL")
            )
            await guess(agency, f"LX{number} 4AB")
        with pytest.raises(RemoteError) as caught:
            await guess(agency, "LX5 4AB")
        assert caught.value.code is ErrorCode.OVER_LIMIT

    async def test_new_stubs_with_one_name_and_birth_date_meet_theirs_though_the_old_are_retired(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agency = await agency_of(federation)
        rogue(monkeypatch)
        for number in range(3):
            local_id = f"g{number}"
            await guess(agency, f"LX{number} 4AB", local_id)
            now = federation.clock()
            await agency.write(
                lambda tables, local_id=local_id, now=now: withdraw(tables, local_id, now)  # type: ignore[misc]
            )
            await agency.publish()
        assert await hub_tokens(federation) == 0
        with pytest.raises(RemoteError) as caught:
            await guess(agency, "LX8 4AB", "g8")
        assert caught.value.code is ErrorCode.OVER_LIMIT
        assert "90 days" in caught.value.detail
        assert await hub_tokens(federation) == 0
        federation.clock.now += 90 * DAY + 1
        assert (await agency.publish()).changed == 1

    async def test_an_honest_node_stops_before_the_hub_does_and_says_so(
        self, federation: SimFederation
    ) -> None:
        agency = await agency_of(federation)
        for number in range(4):
            assert (await guess(agency, f"LX{number} 4AB")).held == []
        report = await guess(agency, "LX5 4AB")
        assert (report.held, report.changed) == (["g1"], 0)
        assert await federation.entries("rejection") == []
        kept = await agency.read(lambda tables: tables.records.client("g1"))
        assert kept is not None
        assert kept.record.postcode == "LX5 4AB", "the agency's own record is what it imported"
        federation.clock.now += 30 * DAY + 1
        report = await agency.publish()
        assert (report.held, report.changed) == ([], 1), "it goes when there is room"


class TestNewRecordsInADay:
    """A first import passes whole; later a day has its budget."""

    async def test_a_first_import_has_room_of_its_own_for_a_month(
        self, federation: SimFederation
    ) -> None:
        await limits(federation, new_stubs_per_day=1, first_stubs=3)
        agency = await agency_of(federation)
        people = [at("LX3 4AB", replace(SAMIR, nhs_number=None, family=f"Hill{letter}son"))
                  for letter in "abcdefg"]  # fmt: skip
        rows = [row(f"n{n}", person, "health_visiting", DUTY) for n, person in enumerate(people)]
        await agency.take_in(*rows[:5])
        report = await agency.publish()
        assert (report.changed, sorted(report.held)) == (3, ["n3", "n4"])
        await days(federation, 1)
        report = await agency.publish()
        assert (report.changed, report.held) == (1, ["n4"])
        await days(federation, 40)
        await agency.take_in(*rows[5:])
        assert len((await agency.publish()).held) == 2
        for _ in range(2):
            await days(federation, 1)
            assert (await agency.publish()).changed == 1
        assert (await agency.publish()).held == []

    async def test_the_hub_refuses_the_whole_publication_of_one_who_does_not_count(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await limits(federation, new_stubs_per_day=1, first_stubs=1)
        agency = await agency_of(federation)
        rogue(monkeypatch)
        await agency.take_in(
            row("n1", AMIRA, "health_visiting", DUTY), row("n2", SAMIR, "health_visiting", DUTY)
        )
        with pytest.raises(RemoteError) as caught:
            await agency.publish()
        assert caught.value.code is ErrorCode.OVER_LIMIT
        assert "tomorrow" in caught.value.detail
        assert await hub_tokens(federation) == 0


class TestHonestRecordsPass:
    """What agencies do every day is not a search."""

    async def test_nothing_but_the_involvement_changes_is_no_change_of_tokens(
        self, federation: SimFederation
    ) -> None:
        agency = await agency_of(federation)
        for number in range(6):
            permission = replace(DUTY, valid_until=DUTY.valid_until.replace(month=number + 1))
            await agency.take_in(row("h1", AMIRA, "health_visiting", permission))
            report = await agency.publish()
            assert (report.changed, report.held) == (1, [])
        commitments = set()
        for entry in await federation.entries("publication"):
            index = entry["idx"]
            (rows,) = await federation.hub_read(
                lambda tables, index=index: tables.log.evidence(index, index + 1)[index]  # type: ignore[misc]
            )
            commitments.add(rows.split(b'"token_commitment":"')[1][:64])
        assert len(commitments) == 1, "anybody can see in the log that no token changed"

    async def test_a_move_a_marriage_and_a_mended_birth_date_in_one_month(
        self, federation: SimFederation
    ) -> None:
        agency = await agency_of(federation)
        for record in (
            AMIRA,
            replace(AMIRA, postcode="LX9 9ZZ"),
            replace(AMIRA, family="Khan", postcode="LX9 9ZZ"),
            replace(AMIRA, family="Khan", postcode="LX9 9ZZ", date_of_birth="2022-03-15"),
        ):
            await agency.take_in(row("h1", record, "health_visiting", DUTY))
            report = await agency.publish()
            assert (report.changed, report.held) == (1, [])

    async def test_held_tokens_do_not_hold_up_the_involvement(
        self, federation: SimFederation
    ) -> None:
        agency = await agency_of(federation)
        for number in range(4):
            await guess(agency, f"LX{number} 4AB")
        permission = replace(DUTY, valid_until=DUTY.valid_until.replace(month=6))
        await agency.take_in(row("g1", at("LX7 4AB"), "health_visiting", permission))
        report = await agency.publish()
        assert (report.held, report.changed) == (["g1"], 1)
        await agency.take_in(row("g1", at("LX3 4AB"), "health_visiting", permission))
        assert (await agency.publish()).held == [], "back to what the hub has: nothing waits"

    async def test_withdrawn_and_given_again_with_the_same_fields_is_no_change(
        self, federation: SimFederation
    ) -> None:
        agency = await agency_of(federation)
        await agency.take_in(row("h1", AMIRA, "health_visiting", DUTY))
        for _ in range(5):
            assert (await agency.publish()).changed == 1
            now = federation.clock()
            await agency.write(lambda tables, now=now: withdraw(tables, "h1", now))  # type: ignore[misc]
            assert (await agency.publish()).retired == 1
            await agency.write(
                lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = NULL")
            )

    async def test_a_fourth_record_of_one_person_goes_without_taking_from_the_first_three(
        self, federation: SimFederation
    ) -> None:
        agency = await agency_of(federation)
        for number in range(3):
            await agency.take_in(row(f"d{number}", AMIRA, "health_visiting", DUTY))
            assert (await agency.publish()).changed == 1
        before = await hub_tokens(federation)
        await agency.take_in(row("d3", AMIRA, "health_visiting", DUTY))
        report = await agency.publish()
        assert (report.changed, report.insufficient_identifiers) == (0, ["d3"])
        assert await hub_tokens(federation) == before

    async def test_a_new_charters_keys_do_not_count_against_anybody(
        self, federation: SimFederation
    ) -> None:
        await limits(federation, token_changes_per_stub=1)
        agency = await agency_of(federation)
        await guess(agency, "LX1 4AB")
        assert (await guess(agency, "LX2 4AB")).held == []
        held: dict[str, Any] = (await federation.charter()).model_dump(mode="json")
        keys = [key for key in held["match_policy"]["keys"] if key["id"] != "family_dob_mi.2"]
        policy = {**held["match_policy"], "keys": keys}
        new = proposed(await federation.charter(), {**held, "match_policy": policy})
        await federation.hub_write(lambda tables: put_forward(tables, new))
        await federation.hub.jobs.amend()
        await federation.checkpoint()
        await agency.service.charters.step()
        last = parse_statement((await federation.entries("publication"))[-1]["envelope"])
        assert last.preamble.charter_version == new.version
        assert last.expect(PublicationBody).body.rows[0].count == 1
        assert (await guess(agency, "LX3 4AB")).held == ["g1"], "the client's own still count"


class TestPlacesAlone:
    """A name under a made-up birth date, at one postcode after another."""

    VICTIM = ClientRecord(None, "Ruth", None, "Okafor", "1991-07-09", "F", "9 Elm Way", "LX9 9ZZ")
    GUESS = ClientRecord(None, "Ruth", None, "Okafor", None, None, None, "LX9 9ZZ")

    async def both(self, federation: SimFederation) -> tuple[SimNode, SimNode]:
        care = await federation.join("Social care", "childrens_social_care")
        await care.take_in(row("c1", self.VICTIM, "child_in_need", DUTY))
        await care.publish()
        await federation.round()
        health = await federation.join("Health visiting", "health_provider")
        return care, health

    async def told(self, node: SimNode) -> list[str]:
        return [
            item["state"]
            for item in await node.read(lambda tables: tables.tx.rows("SELECT state FROM link"))
        ]

    async def test_who_came_later_hears_nothing_until_the_other_sides_people_say_same(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        care, health = await self.both(federation)

        def with_decoy(record: ClientRecord, wanted: Any) -> Any:
            """A patched node: every stub has a name and birth date that nobody else has."""
            return {**match_keys(record, wanted), "name_dob.1": ("nobody~nothing|y1700m0101",)}

        monkeypatch.setattr(node.publishing.drafts, "match_keys", with_decoy)
        await health.take_in(row("h1", self.GUESS, "health_visiting", DUTY))
        await health.publish()
        await federation.round()
        assert await told_states(federation) == ["possible"], "the hub sees it"
        assert await self.told(health) == [], "the searcher does not"
        assert await self.told(care) == ["possible"]
        (waiting,) = await care.read(care.service.dispatcher.reviewing.queue)
        opinion = Opinion(waiting.link_id, "same", 1)
        await care.write(lambda tables: care.service.dispatcher.reviewing.say(tables, opinion))
        await care.service.advance()
        await federation.round()
        assert await self.told(health) == ["possible"]

    async def test_a_right_birth_date_beside_the_place_is_no_guess(
        self, federation: SimFederation
    ) -> None:
        _, health = await self.both(federation)
        moved = replace(self.VICTIM, address="1 Oak Street", postcode="LX1 1AA")
        await health.take_in(row("h1", moved, "health_visiting", DUTY))
        await health.publish()
        await federation.round()
        assert await self.told(health) == ["possible"]


async def told_states(federation: SimFederation) -> list[str]:
    rows = await federation.hub_read(lambda tables: tables.tx.rows("SELECT state FROM link"))
    return [item["state"] for item in rows]
