"""A searcher behind a made-up birth date (04-matching §7.3); rivals that cannot be shown (§7.2).

Ruth Okafor is social care's client. A rogue agency publishes her name at her postcode, with a name
and birth date that nobody has, and waits to be told.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

import node.publishing.drafts
from node.identity_checks.initiating import IdentityCheckRequest
from node.records.clients import apply_import, withdraw
from node.records.importer.rows import ImportedRow
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.records import ClientRecord
from storage.engine import Row
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_rivals import OURS, told

RUTH = ClientRecord(None, "Ruth", None, "Okafor", "1991-07-09", "F", "9 Elm Way", "LX9 9ZZ")
GUESS = replace(RUTH, date_of_birth=None, sex=None, address=None)
SPARSE = ClientRecord(None, "Kiran", None, "Sharma", "1966-06-22", None, "67 Day Lane", None)

Agencies = tuple[SimNode, SimNode]


@pytest.fixture
async def two(federation: SimFederation) -> Agencies:
    care = await federation.join("Social care", "childrens_social_care")
    return care, await federation.join("Health visiting", "health_provider")


@pytest.fixture
async def searched(
    federation: SimFederation, two: Agencies, monkeypatch: pytest.MonkeyPatch
) -> Agencies:
    care, rogue = two

    def with_decoy(record: ClientRecord, wanted: Any) -> Any:
        made = match_keys(record, wanted)
        return made if record.date_of_birth else {**made, "name_dob.1": ("nobody|y1700m0101",)}

    monkeypatch.setattr(node.publishing.drafts, "match_keys", with_decoy)
    await care.take_in(row("c1", RUTH, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.round()
    await rogue.take_in(row("h1", GUESS, "health_visiting", DUTY))
    await rogue.publish()
    await federation.round()
    return care, rogue


async def links(agency: SimNode) -> list[Row]:
    return await agency.read(
        lambda tables: tables.tx.rows("SELECT * FROM link WHERE state <> 'ended'")
    )


async def test_a_renewed_permission_does_not_make_the_first_the_later(
    federation: SimFederation, searched: Agencies
) -> None:
    care, rogue = searched
    await care.write(lambda tables: withdraw(tables, "c1", federation.clock()))
    await care.publish()
    await federation.round()
    await care.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = NULL"))
    await care.publish()
    await federation.round()
    assert await links(rogue) == []
    assert len(await links(care)) == 1


async def test_a_slip_that_is_mended_does_not_either(
    federation: SimFederation, searched: Agencies
) -> None:
    care, rogue = searched
    for name in ("Roth-Marsden", "Okafor"):
        await care.take_in(row("c1", replace(RUTH, family=name), "child_in_need", DUTY))
        await care.publish()
        await federation.round()
    assert await links(rogue) == []
    assert len(await links(care)) == 1


async def test_an_identity_check_does_not_tell_the_later_side_who_she_is(
    federation: SimFederation, searched: Agencies
) -> None:
    care, rogue = searched
    (waiting,) = await care.read(care.service.dispatcher.reviewing.queue)
    inquiry = IdentityCheckRequest(
        link_id=waiting.link_id,
        practitioner=1,
        role="social_worker",
        purpose="safeguarding_child",
        basis="UK-CA89-S47",
        facts={"enquiry_reference": "S47-1", "informed": "informed"},
    )
    await care.membership.sync()
    await care.write(lambda tables: care.service.dispatcher.identity_asking.ask(tables, inquiry))
    await care.service.advance()
    await federation.settle()
    (sent,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM sent_check"))
    assert (sent["state"], sent["code"]) == ("refused", "not_available")
    assert await rogue.read(lambda tables: tables.tx.rows("SELECT 1 FROM received_check")) == []


async def test_a_better_copy_of_its_own_agency_takes_no_match_away(
    federation: SimFederation, two: Agencies
) -> None:
    """One client twice is no rival of itself; nor does it matter when its permission ends."""
    care, health = two
    await care.take_in(row("c1", OURS, "child_in_need", DUTY))
    await care.publish()
    await health.take_in(row("sparse", SPARSE, "health_visiting", DUTY))
    short = replace(DUTY, valid_until=datetime.fromtimestamp(federation.clock(), UTC).date())
    await health.take_in(row("full", OURS, "health_visiting", short))
    await health.publish()
    await federation.round()
    assert await told(health, "sparse") == (1, 0)
    federation.clock.now += 2 * 86_400
    await federation.round()
    assert await told(health, "sparse") == (1, 0)
    assert await told(care, "c1") == (1, 0)


async def test_a_second_record_of_a_sensitive_kind_hides_nobody(
    federation: SimFederation, two: Agencies
) -> None:
    """An insider writes a fuller copy that may not be shown, to push the first one out of sight."""
    care, health = two
    await care.take_in(row("c1", OURS, "child_in_need", DUTY))
    await care.publish()
    await health.take_in(row("sparse", SPARSE, "health_visiting", DUTY))
    await health.take_in(row("junk", OURS, "drug_and_alcohol", DUTY))
    await health.publish()
    await federation.round()
    assert [member.label for member in (await care.team("c1")).others] == ["Health visiting"]


class TestBirth:
    """Work with unborn children, and what was withdrawn before the birth."""

    MOTHER = ClientRecord("9990000026", "Nadia", None, "Hassan", "1994-07-22", "F", "1 Oak St")
    ZAHRA = ClientRecord(None, "Zahra", None, "Hassan", "2026-10-19", "F", "1 Oak St", "LX3 4AB")

    def unborn(self, local_id: str) -> ImportedRow:
        nobody = ClientRecord(None, "Unborn", None, "Hassan")
        return replace(row(local_id, nobody, "health_visiting", DUTY), mother_local_id="m1")

    async def test_twins_not_yet_born_are_two_and_a_second_import_changes_nothing(
        self, federation: SimFederation, two: Agencies
    ) -> None:
        _, health = two
        await health.take_in(row("m1", self.MOTHER, "community_nursing", DUTY))
        rows = [self.unborn("u1"), self.unborn("u2")]
        counts = []
        for _ in range(2):
            done = await health.write(lambda tables: apply_import(tables, rows, 0))
            counts.append((done.new, done.changed, done.unchanged))
        assert counts == [(2, 0, 0), (0, 0, 2)]
        await health.take_in(row("u1", self.ZAHRA, "health_visiting", DUTY))
        left = await health.read(
            lambda tables: tables.tx.rows("SELECT for_unborn FROM involvement ORDER BY id")
        )
        assert [item["for_unborn"] for item in left] == [None, "u2", None]
        await health.publish()
        await federation.round()

    async def test_what_the_mother_withdrew_is_not_brought_back_by_the_birth(
        self, federation: SimFederation, two: Agencies
    ) -> None:
        _, health = two
        await health.take_in(row("m1", self.MOTHER, "community_nursing", DUTY))
        await health.take_in(self.unborn("u1"))
        await health.write(lambda tables: withdraw(tables, "m1", federation.clock()))
        await health.take_in(row("u1", self.ZAHRA, "health_visiting", DUTY))
        assert (await health.publish()).changed == 0
