"""The README's first command as a stranger would run it: real processes, HTTP and SQLite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo in a folder of its own; the folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo").symlink_to(ROOT / "demo")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--check"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


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
    ):
        assert said in output


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
    running = []
    for process in Path("/proc").glob("[0-9]*/cwd"):
        try:
            running.append(process.resolve(strict=True))
        except OSError:  # a process of somebody else, or gone by now
            continue
    assert running, "this test reads /proc"
    assert folder.resolve() not in running


def test_no_secret_is_readable_by_others(told: tuple[Path, str]) -> None:
    folder, _ = told
    names = ("keys.json", "share-1.json")
    secrets = [path for path in (folder / ".demo").rglob("*.json") if path.name in names]
    secrets += list((folder / ".demo").rglob("keys-*.json"))
    assert len(secrets) >= 8
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets)
