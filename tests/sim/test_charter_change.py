"""A charter that changes while everybody runs: obeyed, waited for, or refused; nothing restarts."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from hub.cli.main import app as hub_commands
from hub.log.ledger import HubSigner, Ledger
from hub.members.charter_changes import adopt, proposed, put_forward
from hub.store.directory import DirectoryStore
from hub.store.tables import HubTables
from node.actions.importing import ChosenMapping, ImportFile, own_types, run_import
from node.membership.charter import accept_charter, waiting_differences
from node.publishing.publisher import Published, Publisher
from node.records.clients import withdraw
from node.records.import_report import ImportReport
from node.records.importer.mapping import load_mapping
from protocol.canonical import JsonValue
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter, parse_charter
from protocol.log.note import NoteSigner, SignatureType, parse_vkey
from protocol.log.witness import WitnessedLog
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import CharterBody, DecisionBody
from protocol.messages.statement import parse_statement
from protocol.signing import SecretSeed
from storage.logview import load_view, save_view
from tests.sim.federation import (
    AMIRA,
    DUTY,
    SAMIR,
    SimFederation,
    SimNode,
    SimWitness,
    row,
    two_agencies,
)

Agencies = tuple[SimNode, SimNode]
MAPPING = """format = 1
[fields.local_id]
column = "id"
[fields.given]
column = "given"
[fields.family]
column = "family"
[fields.date_of_birth]
column = "born"
[fields.address]
column = "address"
[fields.postcode]
column = "postcode"
[fields.permission_basis]
fixed = "UK-CA04-S10-S11"
[fields.permission_valid_until]
fixed = "2035-01-01"
[fields.involvement]
"""


async def amend(federation: SimFederation, change: Mapping[str, JsonValue]) -> Charter:
    """What the operator's command does, then one pass of the running hub's loop."""
    new = proposed(await federation.charter(), change)
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    await federation.checkpoint()
    return new


async def follow(*nodes: SimNode) -> None:
    """One pass of each running node's loop that looks for a new charter."""
    for agency in nodes:
        await agency.service.charters.step()


async def accept(federation: SimFederation, *nodes: SimNode) -> None:
    """Each agency's person signs; then their running nodes notice."""
    for agency in nodes:
        await agency.membership.sync()
        await accept_charter(agency.membership)
    await federation.checkpoint()
    await follow(*nodes)


async def evaluated(federation: SimFederation, agency: SimNode) -> int:
    """How many points the busiest key holder has metered for an agency."""
    counts = []
    sql = "SELECT COALESCE(SUM(evaluations), 0) AS n FROM meter WHERE party_id = ?"
    for holder in federation.network.holders.values():
        found = await holder._engine.read(lambda tables: tables.tx.rows(sql, agency.party_id))
        counts.append(int(found[0]["n"]))
    return max(counts)


async def publications(federation: SimFederation) -> int:
    return len(await federation.entries("publication"))


async def states(agency: SimNode) -> list[str]:
    rows = await agency.read(
        lambda tables: tables.tx.rows("SELECT state FROM link ORDER BY link_id")
    )
    return [link["state"] for link in rows]


async def test_a_changed_weight_turns_a_match_into_a_possible_one_and_back_without_a_restart(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    before = [await evaluated(federation, agency) for agency in agencies]
    logged = await publications(federation)
    assert await states(care) == ["match"]
    await amend(federation, {"match_policy": {"guards": {"guarded": {"upper": 9000}}}})
    await follow(*agencies)
    await federation.round()
    assert await states(care) == await states(health) == ["possible"]
    assert (await care.team("c1")).others == ()
    await amend(federation, {"match_policy": {"guards": {"guarded": {"upper": 100}}}})
    await follow(*agencies)
    await federation.round()
    assert await states(care) == await states(health) == ["match"]
    assert [item.label for item in (await care.team("c1")).others] == ["Health visiting"]
    assert [await evaluated(federation, agency) for agency in agencies] == before
    assert await publications(federation) == logged, "nothing is published again for a weight"


async def test_another_duty_desk_is_shown_at_once_and_binds_nobody_anew(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    logged = await publications(federation)
    desk: JsonValue = {"name": "Night desk", "phone": "01632 960199", "hours": "7pm to 7am"}
    await amend(federation, {"duty_desk": desk})
    await follow(*agencies)
    assert [agency.membership.unaccepted() for agency in agencies] == [[], []]
    assert (await care.team("c1")).duty_desk.model_dump() == desk
    assert await publications(federation) == logged, "nothing is published again for it"
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert (await care.sent(request_id))["state"] == "waiting", "and people ask as before"


async def test_what_only_tightens_is_obeyed_at_once_and_what_it_takes_back_as_well(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await amend(federation, {"quotas": {"requests_per_day": 1}})
    await follow(*agencies)
    assert care.membership.charter.version == 2
    assert care.membership.unaccepted() == []
    involvement = (await care.team("c1")).others[0].involvement_id
    first = await care.ask("c1", involvement)
    second = await care.ask("c1", involvement)
    assert (await care.sent(first))["state"] == "waiting"
    assert (await care.sent(second))["code"] == "over_quota"
    # Back to what everybody signed: less than that was never asked of them.
    await amend(federation, {"quotas": {"requests_per_day": 200}})
    await follow(*agencies)
    assert health.membership.unaccepted() == []


async def test_a_lower_threshold_makes_a_match_only_between_agencies_that_signed_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await amend(federation, {"match_policy": {"guards": {"guarded": {"upper": 9000}}}})
    await follow(*agencies)
    await accept(federation, *agencies)
    await federation.round()
    assert await states(care) == ["possible"]
    await amend(federation, {"match_policy": {"guards": {"guarded": {"upper": 100}}}})
    await follow(*agencies)
    await federation.round()
    assert await states(care) == await states(health) == ["possible"], "nobody has signed it"
    await accept(federation, health)
    await federation.round()
    assert await states(care) == ["possible"], "one of the two has not"
    await accept(federation, care)
    await federation.round()
    assert await states(care) == await states(health) == ["match"]


async def test_an_added_key_evaluates_its_own_inputs_and_no_others_and_a_dropped_one_goes(
    federation: SimFederation,
) -> None:
    whole: dict[str, Any] = (await federation.charter()).model_dump(mode="json")
    policy = whole["match_policy"]
    left_out = {"alias_dob_pc.4", *policy["identifier"]}
    suburb: Any = {"id": "given_loc_street.1", "agree": 0, "disagree": 0, "cap": 1, "place": True}
    lean = [suburb, *(key for key in policy["keys"] if key["id"] not in left_out)]
    guard = {"upper": 100, "each_of": [[suburb["id"]]], "vetoes": [], "bar": None}
    guards = {"guarded": guard, "open": guard}
    lean_policy = {**policy, "keys": lean, "guards": guards, "identifier": []}
    await amend(federation, {**whole, "match_policy": lean_policy})
    health, care = await two_agencies(federation)
    assert await states(care) == ["possible"], "the guard asks for a suburb, and nobody has one"
    before = [await evaluated(federation, agency) for agency in (health, care)]

    added: Any = {"id": "alias_dob_pc.4", "agree": 236, "disagree": -66, "cap": 3, "place": True}
    either: Any = {"guarded": {"each_of": [["alias_dob_pc.4", suburb["id"]]]}}
    await amend(federation, {"match_policy": {"keys": [added], "guards": either}})
    await follow(health, care)
    assert [await evaluated(federation, agency) for agency in (health, care)] == before
    await accept(federation, health, care)
    more = [await evaluated(federation, agency) for agency in (health, care)]
    # Amira Noor and Samir Ali have two values each of the new type, Ameera Noor has two.
    assert [new - old for new, old in zip(more, before, strict=True)] == [4, 2]
    await federation.round()
    assert await states(care) == ["match"], "a given name agrees, with birth date and postcode"

    held: dict[str, Any] = (await federation.charter()).model_dump(mode="json")
    fewer = [key for key in held["match_policy"]["keys"] if key["id"] != "name_pc.2"]
    await amend(federation, {**held, "match_policy": {**held["match_policy"], "keys": fewer}})
    await follow(health, care)
    dropped = "SELECT 1 FROM token WHERE match_key_id = 'name_pc.2'"
    assert await federation.hub_read(lambda tables: tables.tx.rows(dropped)) == [], (
        "a key without a disagree weight only takes evidence away: it goes at once"
    )
    assert [await evaluated(federation, agency) for agency in (health, care)] == more


async def test_one_agency_waits_in_words_while_the_others_go_on(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await amend(federation, {"quotas": {"requests_per_day": 400}})
    await follow(*agencies)
    await accept(federation, care)
    await health.take_in(row("h3", AMIRA, "health_visiting", DUTY))
    logged = await publications(federation)
    with pytest.raises(LocalError) as caught:
        await health.publish()
    assert caught.value.code is ErrorCode.NOT_READY
    assert "patchwork-node charter accept" in caught.value.detail
    assert await publications(federation) == logged
    found = waiting_differences(health.membership)
    assert found.loosened == ("Quotas: requests per day rises from 200 to 400.",)
    involvement = (await health.team("h1")).others[0].involvement_id
    with pytest.raises(LocalError):
        await health.ask("h1", involvement)
    health.service.answering._settings.answer_rule = "allow"
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened", "a person may still answer"
    await accept(federation, health)
    report: Published = await health.publish()
    assert report.changed == 1


async def test_no_rule_answers_under_a_charter_that_does_not_bind(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    first = await care.ask("c1", involvement)
    await federation.settle()
    await health.answer(first)
    await federation.settle()
    health.service.answering._settings.answer_rule = "allow"
    await amend(federation, {"request_lifetime_days": 30})
    await accept(federation, care)
    second = await care.ask("c1", involvement)
    await federation.settle()
    assert (await health.received(second))["state"] == "asks_person"
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    no = await care.ask("c1", involvement)
    await federation.settle()
    assert (await care.sent(no))["code"] == "permission_ended", "a refusal needs nobody's signature"
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = NULL"))
    await health.write(lambda tables: tables.tx.run("UPDATE link SET state = 'ended'"))
    unproven = await care.ask("c1", involvement)
    await federation.settle()
    assert (await health.received(unproven))["state"] == "refused", "nor does it ask a person"
    assert (await care.sent(unproven))["code"] == "link_not_proven"
    await health.write(lambda tables: tables.tx.run("UPDATE link SET state = 'match'"))
    await accept(federation, health)
    third = await care.ask("c1", involvement)
    await federation.settle()
    assert (await care.sent(third))["state"] == "opened"


async def test_a_request_that_was_written_before_waits_with_its_agency(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    wanted = await care.request("c1", involvement)
    request_id = await care.write(lambda tables: care.service.asking.ask(tables, wanted))
    await amend(federation, {"retention_days": 4000})
    await follow(care)
    await care.service.advance()
    assert (await care.sent(request_id))["state"] == "sending"
    assert await federation.entries("rejection") == []
    await accept(federation, care)
    await care.service.advance()
    assert (await care.sent(request_id))["state"] == "waiting"


async def test_the_hub_takes_nothing_new_from_a_node_that_does_not_wait(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    first = await care.ask("c1", involvement)
    await federation.settle()
    await amend(federation, {"retention_days": 4000})
    await follow(*agencies)
    monkeypatch.setattr(type(care.membership), "unaccepted", lambda _: [])
    await care.take_in(row("c2", SAMIR, "child_in_need", DUTY))
    with pytest.raises(RemoteError) as caught:
        await care.publish()
    assert caught.value.code is ErrorCode.NOT_READY
    second = await care.ask("c1", involvement)
    assert (await care.sent(second))["code"] == "not_ready"
    waiting = await health.received(first)
    by_rule = DecisionBody(
        request=waiting["statement_id"],
        request_id=first,
        hub_decision=waiting["hub_decision"],
        outcome="allow",
        code=None,
        decided_by=None,
        facts_commitment="ab" * 32,
    )
    statement = health.membership.sign(by_rule, care.party_id)
    with pytest.raises(RemoteError) as caught:
        await health.membership.post("/v1/statements", statement.envelope.encode())
    assert caught.value.code is ErrorCode.NOT_READY
    logged = [(await federation.entries(kind)) for kind in ("publication", "request", "decision")]
    assert [len(entries) for entries in logged] == [2, 1, 0]


async def test_a_withdrawal_reaches_the_hub_though_the_charter_waits(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await amend(federation, {"retention_days": 4000})
    await follow(*agencies)
    now = federation.clock()
    await health.write(lambda tables: withdraw(tables, "h1", now))
    await Publisher(health.membership).tell_withdrawn()
    await federation.round()
    assert await states(care) == ["ended"]
    sql = "SELECT c.local_id FROM client c JOIN stub s ON s.client = c.id WHERE s.retired = 1"
    retired = await health.read(lambda tables: tables.tx.rows(sql))
    assert [client["local_id"] for client in retired] == ["h1"], "and nothing else moved"


async def test_new_visibility_shows_nothing_of_an_agency_that_has_not_signed_it(
    federation: SimFederation,
) -> None:
    police = await federation.join("Police", "police")
    health = await federation.join("Health visiting", "health_provider")
    await police.take_in(row("p1", AMIRA, "police_contact", DUTY))
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    await police.publish()
    await health.publish()
    await federation.round()
    assert (await health.team("h1")).others == ()
    seen_by = ["childrens_social_care", "adult_social_care", "health_provider"]
    change: Any = {"involvement_types": [{"code": "police_contact", "visible_to": seen_by}]}
    await amend(federation, change)
    await follow(police, health)
    await accept(federation, health)
    await federation.round()
    assert (await health.team("h1")).others == (), "it is the police's to sign"
    await accept(federation, police)
    await federation.round()
    assert [item.agency for item in (await health.team("h1")).others] == ["Police"]
    await amend(federation, {"involvement_types": [{"code": "police_contact", "visible_to": []}]})
    await federation.round()
    assert (await health.team("h1")).others == (), "hiding needs nobody's signature"


async def test_statements_on_their_way_are_signed_again_and_none_is_lost(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    await care.membership.sync()
    new = proposed(care.membership.charter, {"quotas": {"stubs_per_token": 2}})
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    # The hub is at version 2; no witness has signed that yet, so the node cannot know.
    wanted = await care.request("c1", involvement)
    request_id, _ = [
        await care.write(lambda tables: care.service.asking.ask(tables, wanted)) for _ in range(2)
    ]
    for _ in range(3):
        await care.service.advance()
    assert (await care.sent(request_id))["state"] == "sending"
    assert len(await federation.entries("rejection")) == 1, "it does not knock on and on"
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "waiting"
    assert (await health.received(request_id))["state"] == "asks_person"
    entry, _ = await federation.entries("request")
    statement = parse_statement(entry["envelope"])
    assert statement.preamble.charter_version == 2
    latest = care.membership.directory.charter_at(None).statement_id
    assert json.loads(statement.envelope.payload)["body"]["pins"]["charter"] == latest


async def test_a_decision_on_a_request_of_the_version_before_goes_through(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await amend(federation, {"quotas": {"requests_per_day": 100}})
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_a_publication_that_a_new_charter_overtakes_is_made_again(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.take_in(row("h3", SAMIR, "health_visiting", DUTY))
    await health.membership.sync()
    new = proposed(health.membership.charter, {"quotas": {"requests_per_day": 100}})
    calls = []

    async def overtaken() -> None:
        await federation.hub_write(lambda tables: put_forward(tables, new))
        await federation.hub.jobs.amend()
        await federation.checkpoint()

    real = federation.services.intake.add_chunk

    async def first_chunk(statement_id: str, data: bytes) -> Any:
        calls.append(statement_id)
        if len(calls) == 1:
            await overtaken()
        return await real(statement_id, data)

    object.__setattr__(federation.services.intake, "add_chunk", first_chunk)
    report = await health.publish()
    assert report.changed == 1
    last = (await federation.entries("publication"))[-1]
    assert parse_statement(last["envelope"]).preamble.charter_version == 2


async def test_a_node_that_was_away_for_two_versions_comes_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await amend(federation, {"quotas": {"requests_per_day": 400}})
    await amend(federation, {"quotas": {"requests_per_day": 200}})
    await follow(care)
    assert care.membership.charter.version == 3
    assert care.membership.unaccepted() == [], "what was loosened meanwhile was taken back"


class TestForgedCharters:
    """The hub's own key is needed, and a place right after the charter in force."""

    async def refused(
        self, federation: SimFederation, agency: SimNode, **change: Any
    ) -> RemoteError:
        """What the node says of a charter that the hub logs, whatever it is."""
        held, pen = await federation.charter(), federation.services.signer
        follows = {"version": held.version + 1, "predecessor": held.document_hash}
        value = {**held.model_dump(mode="json"), **follows, "retention_days": 3000}
        signer = change.pop("sign_seed", pen.seed)
        charter = Charter.model_validate({**value, **change})
        document = charter.encode()
        assert parse_charter(document)
        body = CharterBody(
            version=charter.version,
            predecessor=charter.predecessor,
            document_hash=charter.document_hash,
            document_length=len(document),
        )

        def work(tables: HubTables) -> None:
            tables.charters.keep(charter.document_hash, document)
            forged = Ledger(tables, HubSigner(signer, pen.env)).sign(body, held.charter_id)
            federation.slip_in(tables, forged)

        await federation.hub_write(work)
        await federation.services.publisher.step(federation.network)  # type: ignore[arg-type]
        with pytest.raises(RemoteError) as caught:
            await agency.service.charters.step()
        assert agency.membership.charter.version == 1
        return caught.value

    async def test_one_that_another_key_signed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        error = await self.refused(federation, health, sign_seed=care.membership.keys.sign)
        assert error.code is ErrorCode.BAD_SIGNATURE

    async def test_one_that_skips_a_version(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        error = await self.refused(federation, agencies[0], version=3)
        assert error.code is ErrorCode.BAD_TREE

    async def test_one_that_follows_another_charter(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        error = await self.refused(federation, agencies[0], predecessor="ab" * 32)
        assert error.code is ErrorCode.BAD_TREE


async def test_a_proposal_that_another_overtook_is_dropped(federation: SimFederation) -> None:
    late = proposed(await federation.charter(), {"retention_days": 3000})
    await amend(federation, {"quotas": {"requests_per_day": 100}})
    await federation.hub_write(lambda tables: put_forward(tables, late))
    assert await federation.hub_write(lambda tables: adopt(federation.ledger(tables))) is None
    assert (await federation.charter()).version == 2
    assert len(await federation.entries("charter")) == 2


async def test_the_operators_commands_reach_the_running_hub_from_another_process(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    folder = federation.folder / "hub"
    (folder / "plan.json").write_text("{}")
    file = tmp_path / "change.toml"
    file.write_text("[match_policy.guards.guarded]\nupper = 80\n[quotas]\nrequests_per_day = 100\n")

    async def command(*words: str, stdin: str = "") -> str:
        arguments = ["charter", *words, "--dir", str(folder)]
        done = await asyncio.to_thread(CliRunner().invoke, hub_commands, arguments, stdin)
        structlog.reset_defaults()
        return done.output

    said = await command("change", str(file), stdin="n\n")
    loosens, _, tightens = said.partition("It tightens:")
    assert "It loosens:" in loosens
    assert "the score for an automatic match falls from 1.00 to 0.80." in loosens
    assert "Quotas: requests per day falls from 200 to 100." in tightens
    await federation.hub.jobs.amend()
    assert (await federation.charter()).version == 1, "the operator said no"
    assert "Done." in await command("change", str(file), stdin="y\n")
    assert "Version 2 waits" in await command("show")
    await federation.hub.jobs.amend()
    await federation.checkpoint()
    await follow(*agencies)
    said = await command("show")
    assert "Charter version 2" in said
    assert said.count("not bound yet; signed version 1") == 2
    document = json.loads(await command("show", "--json"))
    assert document["version"] == 2
    edited = tmp_path / "whole.json"
    document["match_policy"]["guards"]["guarded"]["upper"] = 130
    edited.write_text(json.dumps(document))
    said = await command("change", str(edited), "--yes")
    assert "It loosens:" not in said
    await federation.hub.jobs.amend()
    await federation.checkpoint()
    await follow(*agencies)
    assert [agency.membership.unaccepted() for agency in agencies] == [[], []]


async def add_witness(federation: SimFederation, quorum: int) -> SimWitness:
    """A fourth witness joins the three, with an address that the running hub reads."""
    url, log_key = "https://w4.example", (await federation.charter()).log.vkey
    signer = NoteSigner("w4.example", SignatureType.COSIGNATURE_V1, SecretSeed(b"\x64" * 32))
    witness = SimWitness(signer, federation.clock, WitnessedLog(parse_vkey(log_key)))
    federation.network.witnesses[url] = witness
    (federation.folder / "hub" / "hub.toml").write_text(f'[witness_urls]\n"w4.example" = "{url}"\n')
    named: Any = {"name": "w4.example", "control_domain": "Elsewhere", "vkey": signer.key.text}
    await amend(federation, {"witnesses": [named], "quorum": quorum})
    return witness


async def test_a_quorum_is_lowered_only_before_the_eyes_of_the_old_one(
    federation: SimFederation, agencies: Agencies
) -> None:
    fourth = await add_witness(federation, quorum=4)
    await follow(*agencies)
    await accept(federation, *agencies)
    fourth.asleep = True
    await amend(federation, {"quorum": 3})
    await follow(*agencies)
    holder = next(iter(federation.network.holders.values()))
    assert agencies[0].membership.charter.version == 2, "one of four witnesses has not seen it"
    assert holder._view.directory.charter.version == 2
    fourth.asleep = False
    await federation.checkpoint()
    await federation.services.publisher.cosignatures.idle()  # the fourth line is late
    await federation.checkpoint()
    await follow(*agencies)
    assert agencies[0].membership.charter.version == 3
    await federation.checkpoint()
    assert holder._view.directory.charter.version == 3
    next(iter(federation.network.witnesses.values())).asleep = True
    await accept(federation, *agencies)
    assert [agency.membership.unaccepted() for agency in agencies] == [[], []]
    assert await evaluated(federation, agencies[0]) > 0


async def test_a_new_witness_is_asked_without_a_restart(
    federation: SimFederation, agencies: Agencies
) -> None:
    witness = await add_witness(federation, quorum=4)
    await follow(*agencies)
    assert [agency.membership.charter.quorum for agency in agencies] == [4, 4]
    assert witness.log is not None
    assert witness.log.head is not None
    await accept(federation, *agencies)
    assert [agency.membership.unaccepted() for agency in agencies] == [[], []]


async def test_a_command_that_followed_less_far_does_not_undo_what_the_service_saw(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    genesis = health.membership.view.genesis
    before = health.membership.view
    await amend(federation, {"quotas": {"requests_per_day": 100}})
    await follow(health)
    after = health.membership.view
    assert after.size > before.size
    # A command that had fetched the log a moment earlier writes its view last.
    await health.membership.engine.write(lambda tables: save_view(tables.tx, before, (), {}))
    kept = await health.membership.engine.read(lambda tables: load_view(tables.tx, genesis))
    assert (kept.size, kept.directory.charter.version) == (after.size, 2)


async def test_a_charter_that_could_not_be_written_is_not_in_force(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = proposed(await federation.charter(), {"retention_days": 3000})
    await federation.hub_write(lambda tables: put_forward(tables, new))
    real = DirectoryStore.append

    def full(*arguments: Any) -> None:
        real(*arguments)
        raise LocalError(ErrorCode.STORAGE, "the disk is full")

    monkeypatch.setattr(DirectoryStore, "append", full)
    with pytest.raises(LocalError):
        await federation.hub.jobs.amend()
    assert (await federation.charter()).version == 1
    monkeypatch.undo()
    await federation.hub.jobs.amend()
    assert (await federation.charter()).version == 2, "it still waited, and is tried again"


MARIGOLD = ClientRecord(
    None, "Marigold", None, "Ashdown", "2019-05-06", None, "7 Elm Court", "LX9 1AB"
)


async def brought(agency: SimNode, involvement: str, cell: str = "") -> ImportReport:
    """Import a file with one client, as the command does."""
    (agency.folder / "node.toml").touch()
    file = agency.folder / "clients.csv"
    header = "id,given,family,born,address,postcode,work"
    client = f"y1,Marigold,Ashdown,2019-05-06,7 Elm Court,LX9 1AB,{cell}"
    file.write_text(f"{header}\n{client}\n")
    chosen = ChosenMapping(load_mapping(MAPPING + involvement))
    done = await run_import(agency.folder, ImportFile(file, chosen, agency.folder), lambda _: None)
    return done.report


async def test_work_of_a_type_that_the_shipped_charter_has_is_imported_and_published(
    federation: SimFederation,
) -> None:
    youth = await federation.join("Youth work", "charity")
    report = await brought(youth, 'fixed = "youth_work"')
    assert (report.new, report.errors) == (1, [])
    assert (await youth.publish()).changed == 1, "the hub takes it too"
    team = await youth.team("y1")
    assert (team.own, team.published) == (("Youth work",), True)


async def test_a_type_that_a_new_charter_brings_is_imported_as_soon_as_the_node_has_seen_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    with pytest.raises(RemoteError, match="types of the charter"):
        await brought(health, 'fixed = "play_work"')
    column = 'column = "work"'
    report = await brought(health, column, "play_work")
    assert [(error.line, error.field) for error in report.errors] == [(2, "involvement")]
    added = {
        "code": "play_work",
        "title": "Play work",
        "openness": "open",
        "visible_to": ["childrens_social_care", "health_provider"],
        "labels": ["Play work"],
    }
    await amend(federation, {"involvement_types": [added]})
    await follow(*agencies)
    assert (await brought(health, column, "play_work")).new == 1
    await accept(federation, *agencies)
    await health.publish()
    await care.take_in(row("c7", MARIGOLD, "child_in_need", DUTY))
    await care.publish()
    await federation.round()
    assert [item.label for item in (await care.team("c7")).others] == ["Play work"]


async def test_with_two_hubs_a_type_must_be_known_to_one_of_them(
    federation: SimFederation,
) -> None:
    charter = await federation.charter()
    first, *rest = charter.involvement_types
    one = charter.model_copy(update={"involvement_types": [first]})
    other = charter.model_copy(update={"involvement_types": rest})
    types = own_types([("Hub", one), ("Hub", other)], {})
    assert set(types) == {item.code for item in charter.involvement_types}
