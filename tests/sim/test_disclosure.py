"""An auditor asks an agency what it went by, and makes its decision again."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import node.requests.answering as answering
from audit.cli.main import app
from node.actions.requests import disclose
from protocol.errors import ErrorCode, LocalError
from protocol.requests.decide import Allow, Refuse
from protocol.requests.refusals import RefusalCode
from protocol.wire import encode_wire
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited

VISITOR = 1
Agencies = tuple[SimNode, SimNode]


async def asked(federation: SimFederation, agencies: Agencies) -> str:
    """Social care has asked health visiting, and everybody has read their mail."""
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    return request_id


async def disclosed(agency: SimNode, request_id: str, to: Path) -> Path:
    opened = encode_wire(await disclose(agency.service, request_id, VISITOR))
    await asyncio.to_thread(to.write_bytes, opened)
    return to


async def opened(federation: SimFederation, *files: Path) -> tuple[int, list[str], int]:
    """`patchwork-audit open` with these: exit code, findings, and how many decisions it made."""
    await audited(federation)
    given = [word for file in files for word in ("--disclosure", str(file))]
    done = CliRunner().invoke(app, ["open", str(federation.folder / "case"), *given, "--json"])
    value = json.loads(done.stdout)
    again = value["checked"]["decisions_made_again"]
    return done.exit_code, [item["code"] for item in value["findings"]], again


async def test_what_a_person_and_a_rule_went_by_is_opened_and_decided_again(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    first = await asked(federation, agencies)
    await health.answer(first)
    await federation.settle()
    health.service.answering._settings.answer_rule = "allow"
    second = await asked(federation, agencies)
    await federation.settle()
    files = [
        await disclosed(health, request_id, tmp_path / request_id) for request_id in (first, second)
    ]
    before = await opened(federation)
    assert await opened(federation, *files) == (0, [], before[2] + 2)
    facts = [json.loads(file.read_bytes())["facts"] for file in files]
    assert [item["earlier_requests_from_requester"] for item in facts] == [0, 1]
    assert [item["decided_by_person"] for item in facts] == [True, False]
    assert all(item["link_proven"] and item["permission_in_force"] for item in facts)
    for file in files:
        for word in (b"Visitor", b"Amira", b"c1"):
            assert word not in file.read_bytes(), "no name and no client"


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["facts"].update(permission_in_force=False),
        lambda value: value["facts"].update(decided_by_person=False),
        lambda value: value.update(salt="00" * 32),
    ],
    ids=["a fact", "who decided", "the salt"],
)
async def test_a_disclosure_that_was_tampered_with_is_caught(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
) -> None:
    health, _ = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.settle()
    file = await disclosed(health, request_id, tmp_path / "disclosure.json")
    value = json.loads(file.read_bytes())
    change(value)
    file.write_text(json.dumps(value, sort_keys=True, separators=(",", ":")))
    assert (await opened(federation, file))[:2] == (4, ["disclosure_differs"])


@pytest.mark.parametrize(
    "outcome",
    [Allow(), Refuse(RefusalCode.OBJECTION)],
    ids=["allowed, though a person must decide", "refused for an objection that there was not"],
)
async def test_a_decision_that_its_own_facts_do_not_bear_out_is_found(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Allow | Refuse,
) -> None:
    health, _ = agencies
    monkeypatch.setattr(answering, "holder_part", lambda *_: outcome)
    request_id = await asked(federation, agencies)
    monkeypatch.undo()
    await federation.settle()
    file = await disclosed(health, request_id, tmp_path / "disclosure.json")
    assert (await opened(federation))[:2] == (0, []), "from the log alone nobody can tell"
    assert (await opened(federation, file))[:2] == (4, ["holder_decision_differs"])


async def test_what_opens_nothing_and_what_was_not_kept_is_said(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    request_id = await asked(federation, agencies)
    with pytest.raises(LocalError) as caught:
        await disclose(health.service, request_id, VISITOR)
    assert caught.value.code is ErrorCode.NOT_FOUND, "nobody has decided yet"
    await health.answer(request_id)
    await federation.settle()
    file = await disclosed(health, request_id, tmp_path / "disclosure.json")
    other = json.loads(file.read_bytes()) | {"request_id": "ab" * 16}
    file.write_text(json.dumps(other, sort_keys=True, separators=(",", ":")))
    assert (await opened(federation, file))[:2] == (3, ["disclosure_unfounded"])
    acts = await health.read(lambda tables: tables.tx.rows("SELECT what, subject FROM act"))
    assert [tuple(row.values()) for row in map(dict, acts)][-1] == ("disclosed", request_id)
