"""The layout: where SQL, SQLite, the terminal and the web may be, and that nothing goes in circles.

CONTRIBUTING.md says where a new thing goes. The directions between rooms are contracts in
pyproject.toml, which `make contracts` checks. There are no exceptions here: a rule that does not
hold is made to hold.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "protocol", "keys", "runtime", "storage", "transport", "web", "node", "hub", "audit", "demo",
)  # fmt: skip
ROLES = ("node", "hub", "audit", "keys")

SQL = re.compile(
    r"\b(SELECT\s+\S|INSERT\s+(OR\s+\w+\s+)?INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX)\b|PRAGMA\s)"
)
# One subject may have a file of its name in each of these rooms beside the one where it is at home.
FACES = {"store", "cli", "actions", "views", "pages"}


def modules() -> list[Path]:
    return sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything in a file's tree."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it; names taken from packages spelt out."""
    found = set()
    for item in nodes(path):
        if isinstance(item, ast.Import):
            found |= {alias.name for alias in item.names}
        elif isinstance(item, ast.ImportFrom) and item.module:
            found |= {item.module, *(f"{item.module}.{alias.name}" for alias in item.names)}
    return found


def uses(path: Path, *names: str) -> bool:
    return any(
        module == name or module.startswith(f"{name}.")
        for module in imported(path)
        for name in names
    )


@cache
def texts(path: Path) -> list[str]:
    """The strings of a file, those of f-strings too, without docstrings."""
    documentation = {
        id(node.body[0].value)
        for node in nodes(path)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    said = [node for node in nodes(path) if isinstance(node, ast.Constant)]
    return [
        node.value for node in said if isinstance(node.value, str) and id(node) not in documentation
    ]


def may_hold_sql(name: str) -> bool:
    own = {"keys/holder/store.py", "audit/witness/store.py"}
    return name.startswith(("storage/", "node/store/", "hub/store/")) or name in own


def test_only_stores_and_storage_hold_sql() -> None:
    holding = {name_of(path) for path in modules() if any(SQL.search(text) for text in texts(path))}
    assert {name for name in holding if not may_hold_sql(name)} == set()
    assert holding >= {"keys/holder/store.py", "audit/witness/store.py"}, "the search finds none"


def test_scripts_of_sql_lie_beside_a_store() -> None:
    scripts = {name_of(path) for name in PACKAGES for path in (ROOT / name).rglob("*.sql")}
    homes = ("storage/", "node/store/schema/", "hub/store/schema/", "keys/holder/schema/")
    assert {name for name in scripts if not name.startswith(homes)} == set()


def test_nobody_but_a_store_holds_a_transaction() -> None:
    """Outside, a body is given the stores: what it can do is what their methods promise."""
    holding = {
        name_of(path)
        for path in modules()
        for item in nodes(path)
        if isinstance(item, ast.Attribute) and item.attr in {"tx", "_tx"}
    }
    assert {name for name in holding if not may_hold_sql(name)} == set()


def test_only_the_engines_know_their_databases() -> None:
    knowing = {name_of(path) for path in modules() if uses(path, "sqlite3")}
    assert knowing == {"storage/sqlite.py"}
    knowing = {name_of(path) for path in modules() if uses(path, "psycopg")}
    assert knowing == {"storage/postgres.py", "storage/postgres_session.py"}
    knowing = {name_of(path) for path in modules() if uses(path, "duckdb")}
    assert knowing == {"hub/store/bulk.py"}


def test_only_one_module_knows_the_library_of_the_log() -> None:
    """Whoever takes it directly writes lines that the settings of the log say nothing of."""
    knowing = {name_of(path) for path in modules() if uses(path, "structlog")}
    assert knowing == {"runtime/logs.py"}


def test_only_commands_know_a_terminal() -> None:
    knowing = {path for path in modules() if uses(path, "typer", "rich")}
    elsewhere = [p for p in knowing if p.name != "cli.py" and p.parent.name != "cli"]
    assert [name_of(path) for path in elsewhere] == []
    assert len(knowing) > 5


def test_only_what_serves_knows_the_web_server() -> None:
    homes = (
        "node/web/", "hub/server/", "hub/web/", "keys/holder/", "audit/witness/", "transport/",
        "web/",
    )  # fmt: skip
    knowing = {name_of(path) for path in modules() if uses(path, "aiohttp.web")}
    assert {name for name in knowing if not name.startswith(homes)} == set()
    assert len(knowing) > 3


def test_actions_and_views_neither_print_nor_ask() -> None:
    def speaks(path: Path) -> bool:
        calls = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
        named = {func.id for func in calls if isinstance(func, ast.Name)}
        return bool(named & {"print", "input"}) or uses(path, "sys", "getpass", "termios")

    rooms = [path for path in modules() if path.parent.name in {"actions", "views"}]
    assert [name_of(path) for path in rooms if speaks(path)] == []
    assert len(rooms) > 4


def test_commands_of_the_node_reach_its_tables_by_actions_and_views_alone() -> None:
    """What a command can do, a browser can: nothing is done in between that only it does."""

    def reaches(path: Path) -> bool:
        named = {item.attr for item in nodes(path) if isinstance(item, ast.Attribute)}
        return bool(named & {"engine", "http", "env"}) or uses(path, "node.store.tables")

    commands = [path for path in modules() if path.parent == ROOT / "node" / "cli"]
    assert [name_of(path) for path in commands if reaches(path)] == []
    assert len(commands) > 5


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One way round from a node to itself, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_round_about() -> None:
    names = {module_of(path) for path in modules()}
    graph = {module_of(path): (imported(path) & names) - {module_of(path)} for path in modules()}
    assert circle(graph) == []


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"d"}}
    assert set(circle(graph)) == {"a", "b", "c"}


@pytest.mark.parametrize("role", ROLES)
def test_rooms_of_a_role_do_not_go_in_circles(role: str) -> None:
    """The folders of a role, and the files in its root, as one graph."""

    def room(module: str) -> str:
        return ".".join(module.split(".")[:2])

    graph: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        if path.relative_to(ROOT).parts[0] == role and path.name != "__init__.py":
            own = {room(name) for name in imported(path) if name.startswith(f"{role}.")}
            graph[room(module_of(path))] |= own - {room(module_of(path))}
    assert circle(graph) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_file_name_recurs_only_as_a_face_of_one_subject(role: str) -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in (ROOT / role).rglob("*.py"):
        if path.parent.name not in FACES and path.name not in {"__init__.py", "cli.py"}:
            homes[path.name].append(name_of(path))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
