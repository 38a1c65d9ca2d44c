"""The README's first command as a stranger would run it: real processes, HTTP and SQLite."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.processes import ProcessGroup
from tests.e2e.running import running_in

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 1800  # every step of the demo has a limit of its own


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo in a folder of its own; the folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo").symlink_to(ROOT / "demo")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    group = ProcessGroup()
    try:
        command = [sys.executable, "-m", "demo", "--check"]
        demo = group.start(
            command,
            subprocess.PIPE,
            folder=folder,
            environment=environment,
        )
        output = demo.communicate(timeout=LIMIT_SECONDS)[0].decode()
    finally:
        group.close()
    assert demo.returncode == 0, output
    return folder, output


def test_the_story_goes_as_told(told: tuple[Path, str]) -> None:
    _, output = told
    assert "The whole story went as told." in output
    for said in (
        "Social care now sees: Health visiting",
        "twin brother is not matched",
        "missing: enquiry_reference",
        "only now the card opens",
        "refused",
        "The auditor says where",
        "In the next round social care sees: Youth work",
        "Social care sees both, and the charity",
        "It is gone from the team, and stays gone",
        "The card at social care is deleted",
        "so the health visitor sees it",
        "An answer still counts. The card opens, and the request was overdue since",
        "says why in writing, and only the health visitor reads it: The court has sealed",
        "sees the health visitor and is seen by nobody",
        "id, key or token is the same at both",
        "http://council.localhost:",
        "prints the receipt for her: .demo/receipt.pdf",
        "The card opens in social care's window, with a number to press",
        "The council signs in, and sees who takes part",
        "There is news for you in Patchwork. Sign in to see it.",
        "of your clients were found by Wexcombe Health Visiting",
    ):
        assert said in output


def test_three_agencies_and_the_council_have_addresses_of_their_own(
    told: tuple[Path, str],
) -> None:
    """A browser keeps one sign-in for each name: two windows are two people then."""
    folder, output = told
    found = re.findall(r"http://(\w+)\.localhost:\d+ +[\w ']+: \w\.\w+", output)
    assert found == ["health", "child", "charity", "council"]
    assert (folder / ".demo" / "receipt.pdf").read_bytes().startswith(b"%PDF")


def test_what_it_leaves_behind_is_a_plain_log_that_others_can_check(
    told: tuple[Path, str],
) -> None:
    folder, _ = told
    log = folder / ".demo" / "case" / "log"
    assert (folder / ".demo" / "log.vkey").read_text().startswith("hub.wexcombe.example/log+")
    assert (log / "checkpoint").read_bytes().count("— ".encode()) >= 3
    assert any((log / "tile" / "entries").rglob("*"))
    assert any((log / "tile" / "0").rglob("*"))


def test_nothing_is_left_running(told: tuple[Path, str]) -> None:
    folder, _ = told
    assert running_in(folder) == []


def test_no_secret_is_readable_by_others(told: tuple[Path, str]) -> None:
    folder, _ = told
    names = ("keys.json", "share-1.json")
    secrets = [path for path in (folder / ".demo").rglob("*.json") if path.name in names]
    secrets += list((folder / ".demo").rglob("keys-*.json"))
    assert len(secrets) >= 8
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets)
