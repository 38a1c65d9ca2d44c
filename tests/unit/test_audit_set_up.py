"""An auditor is led from nothing to a checked log, by one command that is typed again and again."""

import json
from pathlib import Path

import pytest

from hub.store.members import ApplicantState
from protocol.messages.bodies import EnrolmentBody
from protocol.messages.statement import parse_statement
from tests.unit.test_audit_fetch import Council, brokered, run
from tests.unit.test_audit_fetch import hub as hub  # a fixture

AUDITOR: dict[str, str | bool] = {
    "name": "Audit Office", "control_domain": "County", "duty_line": "01632 960140",
    "duty_hours": "Weekdays", "own_right": True, "trial": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def answers(**said: str | bool) -> Path:
    path = Path("answers.toml")
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items()))
    return path


def exists(path: str) -> bool:
    return Path(path).exists()


def cases() -> list[str]:
    return sorted(str(path) for path in Path("auditor").glob("case-*") if path.suffix == "")


def put(path: str, data: str) -> None:
    Path(path).write_text(data)


async def set_up(*more: str | Path) -> tuple[int, str]:
    return await run("set-up", "auditor", "--no-wait", *more)


async def test_anybody_checks_the_public_log_and_later_that_it_has_only_grown(hub: Council) -> None:
    await brokered(hub)
    said: dict[str, str | bool] = {"invitation": "", "url": hub.url, "trial": True}
    code, text = await set_up("--answers", answers(**said, genesis="0" * 64))
    assert code == 1, text
    assert "the log does not begin with the genesis that was given" in text
    code, text = await set_up("--answers", answers(**said, genesis=hub.genesis))
    assert (code, "Clean: everything" in text) == (0, True), text
    (first,) = cases()
    assert f"patchwork-audit report {first} --html" in text
    assert not exists("auditor/keys.json"), "who only looks needs no key"
    code, text = await set_up()
    assert (code, "Clean: everything" in text) == (0, True), "asked nothing twice"
    assert cases() == [first, f"{first}-2"], "a case is never written over"
    put(f"{first}-2/log/checkpoint", "another log\n")
    code, text = await set_up()
    assert (code, "checkpoint" in text) == (2, True), "the one before is held against it"


async def test_the_councils_auditor_is_asked_stopped_let_in_and_reads_all(hub: Council) -> None:
    await brokered(hub)
    put("invitation.txt", hub.invitation(await hub.invite(99)))
    said: dict[str, str | bool] = {"invitation": "invitation.txt", **AUDITOR}
    code, text = await set_up("--answers", answers(**said, genesis="0" * 64))
    assert (code, "to a log with another genesis" in text) == (2, True), text
    assert not exists("auditor/keys.json"), "nothing is said to a hub that may be another"

    given = answers(**said, genesis=hub.genesis)
    code, text = await set_up("--answers", given)
    assert (code, "words: " in text) == (3, True), text
    assert "Move auditor/recovery.json out of this folder" in text
    assert await set_up("--answers", given) == (3, text.partition("safe.\n\n")[2])
    waiting = ApplicantState.WAITING
    (row,) = await hub.engine.read(lambda tables: tables.members.applicants(waiting))
    await hub.approve(parse_statement(row.envelope).expect(EnrolmentBody).body.party_id)
    await hub.step()

    code, text = await set_up()
    assert code == 0, text
    assert "decisions made again" in text, "also what only an auditor may read"
    code, text = await set_up()
    assert (code, "words: " in text) == (0, False), "it has joined, and checks anew"
