"""What a node refuses before it is a member, and of a hub whose key birth is not what it says."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

import node.membership.hub
from hub.members.founding import FirstLedger
from hub.store.members import ApplicantState
from node.membership.charter import accept_charter, waiting_differences
from node.membership.details import change_details
from node.membership.joining import check_key_birth
from node.membership.keys import keys_of
from node.membership.renewal import SealRenewal
from node.membership.rotation import Rotating
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.governance.charter import Charter
from protocol.governance.follow import LogView, PublicLeaf
from protocol.messages.bodies import KeyBirthBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import HUB, Random, SimFederation, SimNode, simulated
from tests.sim.test_stolen_node import ordered
from transport.logsync import sync

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


async def leaves(federation: SimFederation) -> tuple[tuple[PublicLeaf, ...], Charter]:
    """The log's public leaves as a newcomer reads them, and the charter in force."""
    progress = await sync(federation.network, HUB, LogView(federation.genesis))  # type: ignore[arg-type]
    return progress.public_leaves, progress.view.directory.charter


class TestAKeyThatWasNotBornAsTheCharterSays:
    """Who holds the whole key learns every client: no point is sent to holders of such a one."""

    async def test_nobody_joins_a_log_without_its_birth(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = FirstLedger.issue

        def issue(self: Any, body: Any, *given: Any) -> Any:
            return None if isinstance(body, KeyBirthBody) else real(self, body, *given)

        monkeypatch.setattr(FirstLedger, "issue", issue)
        async with simulated(tmp_path) as federation:
            joining, engine = federation.joining("Health visiting", "health_provider")
            invitation = await federation.invite(b"c" * 32)
            with pytest.raises(RemoteError) as caught:
                await joining.apply(engine, invitation)
            assert caught.value.code is E.BAD_SHARE
            await engine.close()
            hub_id = (await federation.charter()).charter_id
        assert not (tmp_path / "Health visiting" / f"keys-{hub_id}.json").exists()

    @pytest.mark.parametrize(
        "wrong", ["another key", "another epoch", "another's share", "unsigned"]
    )
    async def test_nor_one_whose_birth_is_of_another_key(
        self, federation: SimFederation, wrong: str
    ) -> None:
        found, charter = await leaves(federation)
        check_key_birth(found, charter)
        key = charter.token_key
        first, second, third = key.holders
        if wrong == "another key":
            key = key.model_copy(update={"public_key": first.commitment})
        elif wrong == "another epoch":
            key = key.model_copy(update={"epoch": 2})
        elif wrong == "another's share":
            forged = first.model_copy(update={"commitment": second.commitment})
            key = key.model_copy(update={"holders": [forged, second, third]})
        else:
            found = await unsigned(federation, found)
        lying = charter.model_copy(update={"token_key": key})
        with pytest.raises(RemoteError) as caught:
            check_key_birth(found, lying)
        assert caught.value.code is (E.BAD_SIGNATURE if wrong == "unsigned" else E.BAD_SHARE)


async def unsigned(
    federation: SimFederation, found: tuple[PublicLeaf, ...]
) -> tuple[PublicLeaf, ...]:
    """The leaves, where the hub wrote a birth that one holder has not signed."""
    changed = []
    for leaf in found:
        statement = parse_statement(leaf.envelope, limit=128 * 1024)
        if isinstance(body := statement.body, KeyBirthBody):
            first, *rest = body.signatures
            empty = first.model_copy(update={"sig": to_base64(bytes(64))})
            forged = body.model_copy(update={"signatures": [empty, *rest]})
            hub_id = statement.preamble.sender
            signed = await federation.hub_write(
                lambda tables, forged=forged, hub_id=hub_id: federation.ledger(tables).sign(  # type: ignore[misc]
                    forged, hub_id
                )
            )
            leaf = PublicLeaf(leaf.index, signed.envelope.encode())
        changed.append(leaf)
    return tuple(changed)


class TestBeforeTheCouncilHasApproved:
    async def test_who_says_too_little_or_what_nobody_knows_applies_to_nothing(
        self, federation: SimFederation
    ) -> None:
        for number, (of_class, clients) in enumerate((("coven", 4000), ("charity", 0))):
            joining, engine = federation.joining(f"New {number}", of_class, clients=clients)
            with pytest.raises(LocalError) as caught:
                await joining.apply(engine, await federation.invite(bytes([number]) * 32))
            assert caught.value.code is E.CONFIGURATION
            await engine.close()
        rows = await federation.hub_read(lambda tables: tables.tx.rows("SELECT 1 FROM applicant"))
        assert rows == []

    async def test_nothing_is_signed_in_an_agencys_name(self, federation: SimFederation) -> None:
        joining, engine = federation.joining("Charity", "charity")
        membership, _ = await joining.apply(engine, await federation.invite(b"c" * 32))
        with pytest.raises(LocalError) as caught:
            await change_details(membership, "Another name", None, None)
        assert caught.value.code is E.NOT_READY
        folder = federation.folder / "Charity"
        recovery = folder / f"recovery-{membership.hub.hub_id}.json"
        with pytest.raises(LocalError) as caught:
            await Rotating(folder, membership, recovery).apply()
        assert caught.value.code is E.NOT_READY
        assert not list(folder.glob("*.new.json"))
        await SealRenewal(membership).step()
        assert await federation.entries("seal_renewal") == []
        await engine.close()


async def test_an_application_that_was_cut_off_is_sent_again_as_it_was(
    federation: SimFederation,
) -> None:
    """The words that somebody read out stay the words; another invitation is another application,
    by the same keys.
    """
    joining, engine = federation.joining("Charity", "charity")
    first = await federation.invite(b"c" * 32)
    membership, words = await joining.apply(engine, first)
    again, same = await joining.apply(engine, first)
    assert (again.hub, same) == (membership.hub, words)
    await federation.hub_write(
        lambda tables: tables.members.move_applicant(
            membership.hub.party_id, ApplicantState.REJECTED
        )
    )
    other, _ = await joining.apply(engine, await federation.invite(b"d" * 32))
    assert other.hub.enrolment != membership.hub.enrolment
    assert other.hub.party_id == membership.hub.party_id
    assert other.keys.sign.value == membership.keys.sign.value
    await engine.close()


async def test_two_hubs_cannot_tell_that_they_share_a_member(
    federation: SimFederation, tmp_path: Path
) -> None:
    """Each gets an id and keys of its own."""
    joining, engine = federation.joining("Charity", "charity")
    here, _ = await joining.apply(engine, await federation.invite(b"c" * 32))
    elsewhere = SimFederation(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.random = Random("another hub")
    await elsewhere.start()
    joining._http = elsewhere.network  # type: ignore[assignment]
    there, _ = await joining.apply(engine, await elsewhere.invite(b"c" * 32))
    assert there.hub.hub_id != here.hub.hub_id
    assert there.hub.party_id != here.hub.party_id
    assert there.keys.sign.value != here.keys.sign.value
    assert len(await engine.read(lambda tables: tables.hubs.all())) == 2
    await engine.close()
    await elsewhere.close()


async def test_who_has_signed_no_charter_is_shown_all_of_it_as_waiting_and_signs_once(
    federation: SimFederation,
) -> None:
    joining, engine = federation.joining("Charity", "charity")
    membership, words = await joining.apply(engine, await federation.invite(b"c" * 32))
    await federation._approve(membership.hub.party_id, words)
    await joining.wait_for_approval(membership, lambda: None)
    assert waiting_differences(membership).loosened == tuple(membership.unaccepted()) != ()
    for _ in range(2):
        await accept_charter(membership)
        await federation.checkpoint()
        await membership.sync()
    assert waiting_differences(membership).loosened == ()
    assert len(await federation.entries("charter_accept")) == 1
    await engine.close()


async def test_an_agency_that_is_suspended_is_told_so(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await ordered(federation, care, "suspended")
    with pytest.raises(LocalError, match="suspended"):
        await change_details(care.membership, "Another name", None, None)


async def test_a_program_with_other_name_tables_publishes_nothing(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies
    monkeypatch.setattr(node.membership.hub, "table_hashes", lambda: {"given": "00" * 32})
    before = len(federation.network.captured)
    with pytest.raises(LocalError) as caught:
        await care.publish()
    assert caught.value.code is E.CONFIGURATION
    assert not any(b"points" in data for data in federation.network.captured[before:])


@pytest.mark.parametrize("wrong", ["one is missing", "one too many"])
def test_a_keys_file_that_is_not_a_nodes_is_refused(wrong: str) -> None:
    values = {name: hashlib.sha256(name.encode()).digest() for name in ("auth", "sign", "seal")}
    values |= {} if wrong == "one is missing" else {"cache": b"c" * 32, "pepper": b"p" * 32}
    with pytest.raises(LocalError) as caught:
        keys_of(values)
    assert caught.value.code is E.CONFIGURATION
