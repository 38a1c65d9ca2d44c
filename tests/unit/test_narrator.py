"""The demo's voice: never silent for long, readable, and at the end it says what to do next."""

from itertools import pairwise

import pytest
from typer.testing import CliRunner

from audit.cli.main import app as audit
from audit.findings import Finding, FindingCode, Severity
from audit.outcome import Report
from demo.__main__ import what_next
from demo.narrator import SILENCE_SECONDS, Narrator, findings_in_short, report_in_short
from hub.cli.main import app as hub
from node.cli.main import app as node

PROGRAMS = {"patchwork-node": node, "patchwork-audit": audit, "patchwork-hub": hub}


def test_nobody_waits_in_silence_for_fifteen_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    narrator = Narrator(lambda: "running patchwork-keys combine", lambda: now[0])
    narrator.title("The token key is born")
    capsys.readouterr()
    heard = [0.0]
    for second in range(1, 61):
        now[0] = second
        narrator.breathe()
        if capsys.readouterr().out:
            heard.append(second)
    assert max(later - earlier for earlier, later in pairwise(heard)) <= 15
    assert len(heard) <= 60 / SILENCE_SECONDS + 1, "and it does not chatter"
    now[0] += SILENCE_SECONDS
    narrator.breathe()
    assert "... running patchwork-keys combine" in capsys.readouterr().out


def test_whoever_has_just_spoken_is_not_silent(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    narrator = Narrator(lambda: "waiting", lambda: now[0])
    for second in range(0, 60, 5):
        now[0] = second
        narrator.tell("a line")
        narrator.breathe()
    assert "..." not in capsys.readouterr().out


def test_what_the_auditor_says_is_a_verdict_and_lines_that_can_be_read() -> None:
    checked = {"entries": 213, "tiles": 2, "rules_broken": 0, **{f"kind_{n}": n for n in range(40)}}
    lines = report_in_short(Report("Case", checked, []).to_text()).splitlines()
    assert lines[0] == "Clean: everything that was checked holds."
    assert "213 entries" in lines[1]
    assert "rules broken" not in "".join(lines), "of what there was none nothing is said"
    assert all(len(line) <= 100 for line in lines)


def test_what_the_auditor_found_begins_with_where(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Finding(Severity.BROKEN, FindingCode.ROOT_DIFFERS, 7, "no such root")] * 20
    lines = findings_in_short(Report("Case", {"entries": 9}, found).to_text()).splitlines()
    assert lines[0].startswith("BROKEN")
    assert "root_differs: no such root" in lines[1]
    assert lines[-1].strip() == "..."
    assert len(lines) <= 9


@pytest.mark.parametrize("audited", [True, False])
def test_at_the_end_there_are_addresses_and_three_commands_that_exist(audited: bool) -> None:
    logins = "http://health.localhost:20009  Health: a.b\nEverybody's password: a b c d"
    said = what_next("http://127.0.0.1:20001", logins, audited=audited)
    assert "Sign in" in said
    assert all(line in said for line in logins.splitlines())
    assert "http://127.0.0.1:20001/status" in said
    commands = [line.split("bin/")[1].split() for line in said.splitlines() if "bin/" in line]
    assert len(commands) == 3
    for program, command, *words in commands:
        told = CliRunner().invoke(PROGRAMS[program], [command, "--help"])
        assert told.exit_code == 0
        for option in [word for word in words if word.startswith("--")]:
            assert option in told.output
    assert ".demo/logs" in said
    assert "docs/operate/README.md" in said
