"""A whole audit at a real hub by commands alone: commit, sample, report, bundle, monitor."""

import asyncio
import json
import stat
import subprocess
from pathlib import Path

import pytest

from protocol.errors import ErrorCode, RemoteError
from protocol.messages.audit import SampleCommitmentBody
from runtime.secrets import write_secrets
from tests.unit.audit_log import ANNE, CHARTER_ID
from tests.unit.test_audit_evidence import shown_script
from tests.unit.test_audit_fetch import REACHED, Council, brokered, joined, run
from tests.unit.test_audit_fetch import hub as hub

PRIVATE = "--allow-private-addresses"


async def fetched(hub: Council, case: Path, auditor: Path) -> Path:
    words = ("fetch", hub.url, "--out", case, "--genesis", hub.genesis, "--dir", auditor, PRIVATE)
    code, text = await run(*words)
    assert code == 0, text
    return case


async def test_an_audit_from_commitment_to_evidence(hub: Council, tmp_path: Path) -> None:
    auditor = tmp_path / "auditor"
    await joined(hub, auditor)
    await brokered(hub)
    first = await fetched(hub, tmp_path / "first", auditor)

    code, text = await run("commit", first, hub.url, "--dir", auditor, "--n", "3", PRIVATE)
    assert code == 0, text
    (number,) = auditor.glob("sample-*.json")
    assert stat.S_IMODE(number.stat().st_mode) == 0o600
    secret = json.loads(number.read_text())["number"]
    assert secret not in text
    sheet = tmp_path / "sheet"
    assert (await run("sample", first, "--file", number, "--out", sheet))[0] == 3

    await hub.step()
    case = await fetched(hub, tmp_path / "case", auditor)
    code, text = await run("sample", case, "--file", number, "--out", sheet)
    assert (code, "Drew 1 of 1 request." in text) == (0, True)
    again = tmp_path / "again"
    code, _ = await run("sample", case, "--number", secret, "--out", again)
    assert code == 0
    for name in ("worksheet.csv", "worksheet.html", "sample.json"):
        assert (sheet / name).read_bytes() == (again / name).read_bytes()
    drawn = json.loads((sheet / "sample.json").read_text())["drawn"]
    assert [item["why"] for item in drawn] == ["drawn"]

    page = tmp_path / "report.html"
    code, text = await run("report", case, "--html", page)
    assert code == 0, text
    assert "Clean: everything that was checked holds." in page.read_text("utf-8")

    evidence = tmp_path / "evidence"
    index = str(drawn[0]["entry"])
    assert (await run("bundle", case, "--index", index, "--out", evidence))[0] == 0
    script = shown_script("perl", tmp_path)
    done = await asyncio.to_thread(
        subprocess.run,
        ["perl", str(script), str(evidence), hub.genesis],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"YES: entry {index}, by {ANNE.id}, 1 witnesses\n"


async def test_the_monitor_follows_a_real_hub_and_its_notes_date_the_log(
    hub: Council, tmp_path: Path
) -> None:
    auditor, state = tmp_path / "auditor", tmp_path / "state"
    await joined(hub, auditor)
    words = ("monitor", hub.url, "--state", state, "--genesis", hub.genesis, "--dir", auditor,
             "--once", PRIVATE)  # fmt: skip
    code, text = await run(*words)
    assert code == 0, text
    await brokered(hub)
    code, text = await run(*words)
    assert code == 4, text
    assert text.count("member_changed") == 2
    assert (await run(*words))[0] == 0
    case = await fetched(hub, tmp_path / "case", auditor)
    code, text = await run("open", case, "--notes", state / "notes", "--json")
    report = json.loads(text)
    assert (code, report["findings"]) == (0, [])
    assert report["checked"]["kept_checkpoints"] >= 2, "the monitor's, and what the hub archived"


async def test_keys_that_are_not_ours_are_an_alarm(hub: Council, tmp_path: Path) -> None:
    auditor, state = tmp_path / "auditor", tmp_path / "state"
    await joined(hub, auditor)
    keys = json.loads((auditor / "keys.json").read_text())
    (auditor / "keys.json").unlink()
    others = {name: bytes.fromhex(value) for name, value in keys.items()} | {"sign": b"\x09" * 32}
    write_secrets(auditor / "keys.json", others)
    code, text = await run(
        "monitor", hub.url, "--state", state, "--genesis", hub.genesis, "--dir", auditor,
        "--once", PRIVATE,
    )  # fmt: skip
    assert code == 4
    assert "own_keys_differ: the log holds other keys for us than our folder: sign" in text


async def test_only_an_auditor_may_commit_and_only_to_a_log_that_adds_up(
    hub: Council, tmp_path: Path
) -> None:
    auditor = tmp_path / "auditor"
    await joined(hub, auditor)
    await hub.admit(ANNE, "childrens_social_care", 1)
    body = SampleCommitmentBody(commitment="0" * 64, count=5)
    with pytest.raises(RemoteError) as caught:
        await hub.submit(hub.signer.sign(ANNE, body, CHARTER_ID))
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    await hub.step()

    case = await fetched(hub, tmp_path / "case", auditor)
    stranger = tmp_path / "stranger"
    who = ("--name", "Stranger", "--control-domain", "x", *REACHED)
    assert (await run("init", stranger, *who))[0] == 0
    assert (await run("commit", case, hub.url, "--dir", stranger, PRIVATE))[0] == 2
    (case / "genesis").write_text("0" * 64)
    assert (await run("commit", case, hub.url, "--dir", auditor, PRIVATE))[0] == 1
    assert not list(auditor.glob("sample-*"))
