"""Who applies, changes keys or is ordered about, and may not: nothing comes of it in the log.

Applicants and members post with keys of their own; the operator types what does not fit.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.members.enrolment import Enrolment, code_hash
from hub.members.membership import Membership
from hub.members.office import (
    approve,
    candidates,
    make_invitation,
    order,
    parse_witness,
    read_plan,
    rename,
    resize,
)
from hub.store.members import ApplicantState, MemberStatus
from hub.store.tables import HubTables
from node.membership.keys import Keys
from node.membership.rotation import Rotating
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.governance.fingerprint import fingerprint_words
from protocol.governance.rotation import rotation_body
from protocol.messages.bodies import EnrolmentBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.signing import SecretSeed
from runtime.environment import Environment
from runtime.secrets import read_secrets
from tests.sim.federation import ORIGIN, SimFederation, SimNode
from tests.sim.test_stolen_node import ordered
from tests.unit.test_witness import GO

Agencies = tuple[SimNode, SimNode]
E = ErrorCode
NOBODY = "00" * 16


async def code_of(federation: SimFederation, work: Callable[[HubTables], object]) -> ErrorCode:
    """How a piece of the hub's work is refused."""
    with pytest.raises(PatchworkError) as caught:
        await federation.hub_write(work)
    return caught.value.code


class Applicant:
    """Somebody with a node that has applied once, and who signs what else they like."""

    def __init__(self, federation: SimFederation, envelope: bytes, sign: SecretSeed) -> None:
        self.federation, self.sign, self.envelope = federation, sign, envelope
        self.body = parse_statement(envelope).expect(EnrolmentBody).body

    async def applies(
        self, federation: str = "", origin: str = ORIGIN, late: int = 0, **change: Any
    ) -> ErrorCode | None:
        """How the hub refuses another application, under an invitation that is good."""
        code = self.federation.random(32)
        invitation = await self.federation.invite(code)
        body = EnrolmentBody.model_validate(
            {**self.body.model_dump(), "invitation_hash": code_hash(invitation.code), **change}
        )
        charter = await self.federation.charter()
        context = Context(federation or charter.charter_id, 1, origin, body.party_id)
        now = self.federation.clock() - late
        stamp = Stamp(charter.charter_id, self.federation.random(16).hex(), now)
        envelope = make_statement(context, stamp, body, self.sign).envelope.encode()
        try:
            await self.federation.hub_write(
                lambda tables: Enrolment(self.federation.ledger(tables)).apply(envelope)
            )
        except RemoteError as error:
            return error.code
        return None


async def applicant(federation: SimFederation, name: str = "Newcomer") -> Applicant:
    """Somebody who applied and waits."""
    joining, engine = federation.joining(name, "charity")
    membership, _ = await joining.apply(engine, await federation.invite(federation.random(32)))
    await engine.close()
    party = membership.hub.party_id
    row = await federation.hub_read(lambda tables: tables.members.applicant(party))
    assert row is not None
    return Applicant(federation, row.envelope, membership.keys.sign)


async def test_applications(federation: SimFederation) -> None:
    newcomer = await applicant(federation)
    party, charter = newcomer.body.party_id, await federation.charter()
    holder = charter.token_key.holders[0].holder_id
    other = await applicant(federation, "Somebody else")
    assert {
        "who does not say how many clients": await newcomer.applies(clients=None),
        "of a class that the charter lacks": await newcomer.applies(member_class="wizards"),
        "as a key holder": await newcomer.applies(party_id=holder),
        "as the hub": await newcomer.applies(party_id=charter.charter_id),
        "as somebody who waits, with other keys": await other.applies(party_id=party),
        "in another federation": await newcomer.applies(federation="ab" * 16),
        "in another log": await newcomer.applies(origin="other.example/log"),
        "an hour ago": await newcomer.applies(late=3600),
    } == {
        "who does not say how many clients": E.UNKNOWN_FIELD,
        "of a class that the charter lacks": E.NOT_ALLOWED,
        "as a key holder": E.CONFLICT,
        "as the hub": E.CONFLICT,
        "as somebody who waits, with other keys": E.CONFLICT,
        "in another federation": E.WRONG_CHARTER,
        "in another log": E.WRONG_CHARTER,
        "an hour ago": E.EXPIRED,
    }
    await federation.hub_write(
        lambda tables: Enrolment(federation.ledger(tables)).apply(newcomer.envelope)
    )  # the very same again: its invitation is used, and that is no matter
    assert await newcomer.applies() is None, "with their own keys they may say it anew"
    for state in (ApplicantState.APPROVED, ApplicantState.MEMBER):
        to = state
        await federation.hub_write(lambda t, to=to: t.members.move_applicant(party, to))  # type: ignore[misc]
        assert await newcomer.applies() is E.CONFLICT, f"{state}: it is decided"


async def test_what_was_carried_out_meanwhile_is_not_carried_out_twice(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Two looks at what the operator decided may come one after the other."""
    health, _ = agencies
    newcomer, rejected = await applicant(federation), await applicant(federation, "Rejected")
    await federation.hub_write(
        lambda t: t.members.move_applicant(rejected.body.party_id, ApplicantState.REJECTED)
    )
    before = await federation.hub_read(lambda tables: tables.log.next_index())

    def again(tables: HubTables) -> None:
        enrolment = Enrolment(federation.ledger(tables))
        for party in (NOBODY, health.party_id, newcomer.body.party_id, rejected.body.party_id):
            enrolment.admit(party)
        membership = Membership(federation.ledger(tables))
        for party in (NOBODY, health.party_id):
            assert membership.replace_keys(party), "nothing was dropped"
            membership.carry_out(party)
            assert membership.rename(party), "nothing was dropped"
            membership.resize(party)

    await federation.hub_write(again)
    decided: dict[str, Callable[[HubTables], None]] = {
        "order": lambda t: t.members.order(NOBODY, MemberStatus.SUSPENDED),
        "name": lambda t: t.members.rename(NOBODY, "A name"),
        "size": lambda t: t.members.resize(NOBODY, 7),
        "the same size": lambda t: t.members.resize(health.party_id, 4000),
    }
    for work in decided.values():
        await federation.hub_write(work)
    await federation.hub.jobs.admit()
    assert await federation.hub_read(lambda tables: tables.log.next_index()) == before
    assert await federation.hub_read(lambda tables: tables.members.orders()) == []
    assert federation.hub.jobs._told == {}, "and nothing was unforeseen"


async def test_what_is_ordered_of_who_is_so_already_or_revoked(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await ordered(federation, health, "suspended")
    await ordered(federation, care, "revoked")
    before = len(await federation.entries("member"))
    await ordered(federation, health, "suspended")
    await ordered(federation, care, "active")
    await federation.hub_write(lambda tables: tables.members.resize(care.party_id, 7))
    await federation.hub.jobs.admit()
    assert len(await federation.entries("member")) == before
    assert federation.hub.jobs._told == {}


async def test_the_operator_sees_who_applied_under_the_names_of_today(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    newcomer = await applicant(federation)
    await federation.hub_write(lambda tables: rename(tables, health.party_id, "Health"))
    await federation.hub.jobs.admit()
    seen = await federation.hub_read(candidates)
    assert {(item.party_id, item.name) for item in seen} >= {
        (newcomer.body.party_id, newcomer.body.name), (health.party_id, "Health"),
    }  # fmt: skip


async def test_a_name_that_another_has_taken_meanwhile(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Both were free when the operator typed them."""
    health, care = agencies
    for node in agencies:
        await federation.hub_write(lambda t, node=node: rename(t, node.party_id, "Together"))  # type: ignore[misc]
    await federation.hub.jobs.admit()
    directory = await federation.hub_read(lambda tables: tables.directory.current())
    names = [directory.members[node.party_id][-1].body.name for node in (health, care)]
    assert sorted(names).count("Together") == 1
    assert len(await federation.entries("rename")) == 1
    assert federation.hub.jobs._told == {}


async def test_who_comes_back_is_compared_anew_and_nothing_ends(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await ordered(federation, health, "suspended")
    assert await federation.hub_read(lambda tables: tables.ends.owed()) == 1
    await federation.hub.jobs.ends()
    await ordered(federation, health, "active")
    assert await federation.hub_read(lambda tables: tables.ends.owed()) == 0
    assert await federation.hub_read(lambda tables: tables.stubs.is_any_marked())


async def test_who_waits_for_new_keys_already_or_is_revoked(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    safe = health.folder / f"recovery-{health.membership.hub.hub_id}.json"
    rotating = Rotating(health.folder, health.membership, safe)
    words = await rotating.apply()
    waiting = await federation.hub_read(lambda tables: tables.members.rotation(health.party_id))
    assert waiting is not None

    def rotation_of(node: SimNode, party_id: str = "", late: int = 0) -> bytes:
        """Other keys, signed by the node's recovery key."""
        hub_id, me = node.membership.hub.hub_id, node.membership.me()
        secrets = read_secrets(node.folder / f"recovery-{hub_id}.json")
        recovery = SecretSeed(secrets["recovery"])
        auth, sign, seal, links = (SecretSeed(federation.random(32)) for _ in range(4))
        keys = Keys(auth, sign, seal, links)
        record = keys.record(me.body.keys.seal_expires, "55" * 32)
        party_id = party_id or node.party_id
        body = rotation_body(party_id, me.statement_id, record, (recovery, keys.sign))
        context = Context(hub_id, 1, ORIGIN, party_id)
        stamp = Stamp(hub_id, federation.random(16).hex(), federation.clock() - late)
        return make_statement(context, stamp, body, recovery).envelope.encode()

    def takes(envelope: bytes) -> Callable[[HubTables], None]:
        return lambda tables: Membership(federation.ledger(tables)).rotate(envelope)

    assert await code_of(federation, takes(rotation_of(health))) is E.CONFLICT
    await federation.hub_write(takes(waiting.envelope))
    assert await code_of(federation, takes(rotation_of(care, late=3600))) is E.EXPIRED
    before = await federation.hub_read(lambda tables: tables.log.next_index())
    await federation.hub_write(
        lambda tables: Membership(federation.ledger(tables)).replace_keys(health.party_id)
    )
    assert await federation.hub_read(lambda tables: tables.log.next_index()) == before
    late, stranger = rotation_of(care), rotation_of(care, NOBODY)
    await ordered(federation, care, "revoked")
    assert await code_of(federation, takes(late)) is E.UNKNOWN_MEMBER
    assert await code_of(federation, takes(stranger)) is E.UNKNOWN_MEMBER
    await federation.hub_write(lambda tables: approve(tables, health.party_id, words))
    again = await code_of(federation, lambda tables: approve(tables, health.party_id, words))
    assert again is E.NOT_FOUND, "approved once"

    def overtaken(tables: HubTables) -> bool:
        membership = Membership(federation.ledger(tables))
        order(tables, health.party_id, MemberStatus.SUSPENDED)
        membership.carry_out(health.party_id)
        return membership.replace_keys(health.party_id)

    assert not await federation.hub_write(overtaken), "these keys replace another membership's"


async def test_what_the_operator_types(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    newcomer = await applicant(federation)
    party = newcomer.body.party_id
    await ordered(federation, care, "revoked")
    suspended = MemberStatus.SUSPENDED
    typed: dict[str, tuple[Callable[[HubTables], object], ErrorCode]] = {
        "an order about nobody": (lambda t: order(t, NOBODY, suspended), E.NOT_FOUND),
        "about who only applied": (lambda t: order(t, party, suspended), E.NOT_FOUND),
        "a name for nobody": (lambda t: rename(t, NOBODY, "A name"), E.NOT_FOUND),
        "a name for who is revoked": (lambda t: rename(t, care.party_id, "A name"), E.NOT_FOUND),
        "a name that is none": (lambda t: rename(t, health.party_id, "\x00"), E.CONFIGURATION),
        "the name that it has": (
            lambda t: rename(t, health.party_id, "Health visiting"), E.CONFLICT,
        ),
        "a size of nobody": (lambda t: resize(t, NOBODY, 7), E.NOT_FOUND),
        "a size of who is revoked": (lambda t: resize(t, care.party_id, 7), E.NOT_FOUND),
        "other words": (lambda t: approve(t, party, "acorn " * 8), E.CONFLICT),
        "words of nobody": (lambda t: approve(t, NOBODY, "acorn " * 8), E.NOT_FOUND),
    }  # fmt: skip
    said = {name: await code_of(federation, work) for name, (work, _) in typed.items()}
    assert said == {name: code for name, (_, code) in typed.items()}
    words = fingerprint_words(party, newcomer.body.keys)
    await federation.hub_write(lambda tables: approve(tables, party, words))


async def test_a_folder_and_a_witness_that_are_none(tmp_path: Path) -> None:
    for text in ("not JSON", '{"charter_id":"00"}', "[]"):
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(LocalError, match="not a hub's plan") as caught:
            read_plan(tmp_path)
        assert caught.value.code is E.CONFIGURATION
    for witness in (GO["witness_vkey"], f"{GO['witness_vkey']};"):
        with pytest.raises(LocalError, match="control domain"):
            parse_witness(witness)
    assert parse_witness(f"{GO['witness_vkey']};Archive")["control_domain"] == "Archive"


async def test_an_invitation_names_the_address_that_the_hub_is_known_by(tmp_path: Path) -> None:
    plan = {"charter_id": NOBODY, "hub_name": "H", "control_domain": "C", "origin": "h.example/l"}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "genesis").write_text("ab" * 32)
    env = Environment()
    for settings, address in (
        (
            'host = "127.0.0.1"\nport = 8100\nallow_private_addresses = true\n',
            "http://127.0.0.1:8100",
        ),
        (
            'host = "127.0.0.1"\nport = 8100\npublic_url = "https://hub.example"\n',
            "https://hub.example",
        ),
    ):
        (tmp_path / "hub.toml").write_text(settings)
        assert (await make_invitation(tmp_path, env)).hub == address
    (tmp_path / "hub.toml").write_text("port = 8100\n")
    with pytest.raises(LocalError, match="public_url, where newcomers find this hub"):
        await make_invitation(tmp_path, env)
