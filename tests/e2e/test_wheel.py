"""What people install: the wheel, in an environment of its own, the source tree out of reach.

The environment has the wheel and, by a path file, the libraries of this test run; no network.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Packages of this repository that are for its own people and are not shipped.
NOT_SHIPPED = {"bench", "demo", "tests"}
COMMANDS = ("patchwork-node", "patchwork-hub", "patchwork-keys", "patchwork-audit")
NAME = "Example"


@dataclass(frozen=True)
class Installed:
    """The wheel, the environment that it was installed into, and a folder to work in."""

    wheel: Path
    environment: Path
    folder: Path

    def run(self, command: str, *words: str, code: int = 0) -> str:
        """Run a program of the environment, as a shell without our settings would; what it says."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            [self.environment / "bin" / command, *words],
            cwd=self.folder,
            env=kept,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def evaluate(self, code: str) -> object:
        """What a piece of Python prints as JSON there."""
        return json.loads(self.run("python", "-I", "-c", code))


def pip(*words: str) -> None:
    call = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *words]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, system_site_packages=False, symlinks=True, with_pip=False)
    python = str(environment / "bin" / "python")
    pip("--python", python, "install", "--no-deps", "--no-index", str(wheel))
    (own,) = environment.glob("lib/python*/site-packages")
    # A folder named in a path file is searched last, and path files in it are not read: so the
    # libraries are found there, and the editable install of the source tree is not.
    libraries = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (own / "libraries.pth").write_text("".join(f"{path}\n" for path in libraries))
    return Installed(wheel, environment, folder)


def shipped_files() -> set[str]:
    """Every file of the product's packages, whatever folder holds them now."""
    packages = {path.parent for path in ROOT.glob("*/__init__.py")}
    return {
        path.relative_to(ROOT).as_posix()
        for package in packages
        if package.name not in NOT_SHIPPED
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_every_module_and_data_file_is_in_the_wheel_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == shipped_files()
    assert {Path(name).suffix for name in held} >= {".py", ".sql", ".json"}


def test_it_runs_from_the_environment_and_the_source_tree_is_out_of_reach(
    installed: Installed,
) -> None:
    packages = sorted({name.split("/")[0] for name in shipped_files()})
    files = installed.evaluate(
        "import importlib, json\n"
        f"print(json.dumps([importlib.import_module(name).__file__ for name in {packages}]))"
    )
    assert isinstance(files, list)
    assert len(files) == len(packages)
    for file in files:
        assert Path(file).is_relative_to(installed.environment), file
    found = installed.evaluate(
        "import importlib.util as util, json\n"
        f"print(json.dumps([util.find_spec(name) is None for name in {sorted(NOT_SHIPPED)}]))"
    )
    assert found == [True] * len(NOT_SHIPPED)


def test_every_module_imports(installed: Installed) -> None:
    modules = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in shipped_files()
        if name.endswith(".py")
    )
    count = installed.evaluate(
        "import importlib, json\n"
        f"print(json.dumps(len([importlib.import_module(name) for name in {modules}])))"
    )
    assert count == len(modules) > 200


@pytest.mark.parametrize("command", COMMANDS)
def test_the_four_commands_run(installed: Installed, command: str) -> None:
    assert command in installed.run(command, "--help")


def test_they_find_their_data_files(installed: Installed) -> None:
    run = installed.run
    who = ("--control-domain", "Council")
    run("patchwork-hub", "init", "--dir", "hub", "--name", NAME, "--origin", "hub.test/log", *who)
    run(
        "patchwork-node", "init", "--dir", "node", "--name", NAME, "--class", "health",
        "--duty-line", "01632 960000", "--duty-hours", "always", "--clients", "300",
    )  # fmt: skip
    run("patchwork-keys", "init", "--dir", "keys", "--name", NAME, "--url", "http://test", *who)
    run(
        "patchwork-audit", "init", "audit", "--name", NAME, *who,
        "--duty-line", "01632 960000", "--duty-hours", "always",
    )  # fmt: skip
    # These read the scripts that make the tables, and the policies.
    run("patchwork-hub", "members", "--dir", "hub")
    assert "not_ready" in run("patchwork-node", "inbox", "--dir", "node", code=1)
    assert json.loads(run("patchwork-hub", "policy", "show"))["keys"]
