"""patchwork-node forget: what goes, what stays and why, in words; settings that are refused."""

import json
import sqlite3
from pathlib import Path

from node.cli.forgetting import GONE, STAYS
from node.records.forgetting import Stays
from node.store.old import Kind
from tests.unit.test_held_clients import ERIN, bring
from tests.unit.test_node_cli import folder, run

__all__ = ["folder"]

DAY = 86_400
OF_ERIN = (b"Erin", b"Plattworth", b"9990123454", b"2019-06-23", b"LX4 2BD", b"00123")


def over_and_withdrawn(folder: Path) -> None:
    """All work ended years ago, and everybody withdrew."""
    with sqlite3.connect(folder / "node.sqlite") as database:
        database.execute("UPDATE involvement SET ended_at = 1000, withdrawn_at = 900")
    database.close()


def settings(folder: Path, *lines: str) -> None:
    path = folder / "node.toml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("keep_")]
    path.write_text("\n".join([*lines, *kept]) + "\n")


def in_files(folder: Path) -> set[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files for name in OF_ERIN if name in path.read_bytes()}


def test_a_withdrawn_client_goes_and_the_next_file_is_asked_about(folder: Path) -> None:
    bring(folder, "00123," + ERIN)
    over_and_withdrawn(folder)
    nobody_says = run("forget", "--dir", str(folder)).output
    assert "Nothing is due to go." in nobody_says
    assert "Kept for ever: nobody has said how long: closed clients." in nobody_says
    settings(folder, "keep_closed_client_days = 90", "keep_news_days = 30")
    stays = run("forget", "--dir", str(folder)).output
    assert "1: withdrew, and nobody has said how long their hashes stay" in stays

    settings(folder, "keep_closed_client_days = 90", "keep_withdrawn_days = 365")
    dry = run("forget", "--dry-run", "--dir", str(folder)).output
    assert "Would go:\n  clients, with all that was kept of them: 1\n" in dry
    assert in_files(folder) == {"node.sqlite"}
    done = run("forget", "--dir", str(folder)).output
    assert done == dry.replace("Would go:", "Gone:")
    assert in_files(folder) == set()

    bring(folder, "777," + ERIN)
    held = run("held", "--dir", str(folder)).output
    assert "777: perhaps somebody who withdrew and whose record is deleted; the NHS number" in held
    (waiting,) = json.loads(run("held", "--json", "--dir", str(folder)).output)
    assert (waiting["client"], waiting["perhaps"], waiting["withdrawn"]) == ("777", None, True)
    assert (
        run("people", "add", "M. Anager", "--kind", "manager", "--dir", str(folder)).exit_code == 0
    )
    said = run("held", "777", "--same", "--as", "M. Anager", "--dir", str(folder))
    assert said.exit_code == 0, said.output
    bring(folder, "777," + ERIN)
    assert "Nobody is held back." in run("held", "--dir", str(folder)).output


def test_the_report_is_for_scripts_too(folder: Path) -> None:
    bring(folder, "00123," + ERIN)
    settings(folder, "keep_closed_client_days = 90", "keep_news_days = 45")
    report = json.loads(run("forget", "--json", "--dir", str(folder)).output)
    assert (report["dry_run"], report["settled"], report["gone"]["clients"]) == (False, True, 0)
    assert report["days"] == {
        "closed_clients": 90, "requests": None, "news": 45, "withdrawn": None
    }  # fmt: skip


def test_too_short_a_time_is_refused_with_a_sentence(folder: Path) -> None:
    settings(folder, "keep_closed_client_days = 89")
    refused = run("forget", "--dir", str(folder))
    assert refused.exit_code == 1
    assert "at least 90 days, or 0" in refused.output


def test_whatever_can_go_or_stay_has_its_words() -> None:
    """A kind without words would stop the command after it had deleted."""
    assert {*GONE} == {kind.value for kind in Kind}
    assert {*STAYS} == {why.value for why in Stays}
