"""The house rules, held by tests: purity, sizes, routes, settings, and specs that say what is."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from pydantic import BaseModel

from audit.witness.app import make_app
from audit.witness.config import WitnessSettings
from hub.config import HubSettings
from hub.matching.publications import CHUNK_LIMIT
from hub.policies.packs import pack
from hub.server.routes import HubApp
from hub.server.services import Services
from keys.holder.config import HolderSettings
from keys.holder.service import HolderService
from node.config import MailSettings, NodeSettings
from node.web.api import LocalApi
from protocol import wire
from protocol.dsse import DOCUMENT_LIMIT, ENVELOPE_LIMIT
from protocol.errors import ERROR_TEXTS, ErrorCode
from protocol.governance.charter import Charter, LawfulBasis
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.records import ClientRecord
from protocol.messages import bodies as messages
from protocol.messages.kinds import KINDS, Party
from protocol.messages.statement import Preamble
from protocol.requests.sealing import SEALED_LIMIT
from transport.client import RECORD_LIMIT, RESPONSE_LIMIT
from transport.routes import ROUTES, Auth, Route, make_application
from transport.watched import Watch

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
PACKAGES = (
    "protocol",
    "keys",
    "runtime",
    "storage",
    "transport",
    "web",
    "node",
    "hub",
    "audit",
    "demo",
)
NOTHING = cast("Any", None)

# What the pure packages may import beside their own modules. A deny-list forgets; this cannot.
PURE_MODULES = {
    "__future__", "anyascii", "base64", "binascii", "collections", "collections.abc",
    "dataclasses", "enum", "functools", "hashlib", "hmac", "itertools", "json", "math", "nacl",
    "nacl.bindings", "nacl.exceptions", "operator", "orjson", "pydantic", "re", "rfc8785",
    "stdnum.gb", "struct", "types", "typing", "unicodedata",
}  # fmt: skip
# Only these names of these modules: the rest of them reads a clock or opens a library.
PURE_NAMES = {
    "datetime": {"date", "datetime", "time", "timedelta", "tzinfo"},
    "difflib": {"get_close_matches"},
}
ALSO_FOR = {
    "keys/decaf.py": {"ctypes"},
    "keys/sodium.py": {"ctypes"},
    "protocol/governance/zones.py": {"io", "pkgutil", "zoneinfo"},  # data that the lock file pins
}
IMPURE_CALLS = {"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"}
IMPURE_ATTRIBUTES = {
    "today", "now", "utcnow", "randombytes", "crypto_sign_keypair", "crypto_box_keypair",
    "crypto_core_ristretto255_random", "crypto_core_ristretto255_scalar_random",
    "read_text", "read_bytes", "write_text", "write_bytes", "urandom",
}  # fmt: skip

MAX_LINES = 400
DATA_TABLES: set[str] = set()

# Applications made without transport.routes.make_application, each with a reason of its own: the
# witness speaks C2SP's protocol, whose answers are not problem+json. Its routes are checked below.
OWN_APPLICATIONS = {"audit/witness/app.py"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Each imported module, with the name taken from it if one was."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or ".", alias.name


PURE = [path for path in modules("protocol", "keys") if "holder" not in path.parts]


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_pure_modules_import_nothing_that_acts(path: Path) -> None:
    own = {"protocol": ("protocol",), "keys": ("keys", "protocol")}[name_of(path).split("/")[0]]
    allowed = PURE_MODULES | ALSO_FOR.get(name_of(path), set())
    for module, name in imports(path):
        if module.split(".")[0] in own:
            assert "holder" not in module.split("."), f"{module} is a daemon's"
        elif module in PURE_NAMES:
            assert name in PURE_NAMES[module], f"{name} from {module}"
        else:
            assert module in allowed, f"{module} is not on the list of pure modules"


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_pure_modules_call_nothing_that_acts(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"line {node.lineno}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in IMPURE_ATTRIBUTES, f"line {node.lineno}: {node.attr}"


def test_the_lists_of_exceptions_name_files_that_need_them() -> None:
    for name, extra in ALSO_FOR.items():
        assert extra <= {module for module, _ in imports(ROOT / name)}
    for name in DATA_TABLES:
        assert len((ROOT / name).read_text("utf-8").splitlines()) > MAX_LINES
    assert {name_of(path) for path in PURE} >= {"protocol/requests/decide.py", "keys/oprf.py"}


def test_no_relative_imports() -> None:
    relative = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules(*PACKAGES, "tests")
        if re.search(r"\bfrom\s*\.", path.read_text("utf-8"))
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_every_module_says_what_it_is() -> None:
    silent = [name_of(path) for path in modules(*PACKAGES) if not ast.get_docstring(tree(path))]
    assert silent == []


def test_modules_are_short() -> None:
    long = {
        name_of(path): lines
        for path in modules(*PACKAGES)
        if (lines := len(path.read_text("utf-8").splitlines())) > MAX_LINES
        and name_of(path) not in DATA_TABLES
    }
    assert long == {}


# Routes


def made_applications(path: Path) -> list[int]:
    """Lines that make an aiohttp application or add a route by hand."""
    adding = {"add_route", "add_get", "add_post", "add_put", "add_delete", "add_view", "add_static",
              "add_routes", "add_subapp", "add_resource", "add_patch", "add_head"}  # fmt: skip
    return [
        node.lineno
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr in {"Application", *adding})
            or (isinstance(node.func, ast.Name) and node.func.id in {"Application"})
        )
    ]


def test_every_application_is_made_from_a_table_of_routes() -> None:
    makers = {name_of(path) for path in modules(*PACKAGES) if made_applications(path)}
    assert makers - {"transport/routes.py"} == OWN_APPLICATIONS


def plain(path: str) -> str:
    """A route's path without its patterns."""
    return re.sub(r"\{(\w+):[^/]*\}", r"{\1}", path)


def registered(app: web.Application) -> list[tuple[str, str]]:
    found = []
    for route in app.router.routes():
        assert route.resource is not None
        found.append((route.method, route.resource.canonical))
    return sorted(found)


def watch(folder: Path) -> Watch:
    return Watch(folder, NOTHING, NOTHING)


def hub() -> HubApp:
    return HubApp(Services(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING))


def key_holder(folder: Path) -> web.Application:
    return HolderService(folder, HolderSettings()).application(watch(folder).routes())


def node_api() -> web.Application:
    return LocalApi([], "", "127.0.0.1").application()


def table_of(app: web.Application) -> dict[tuple[str, str], str]:
    return {
        (method, plain(path)): route.auth.name.lower()
        for (method, path), route in app[ROUTES].items()
    }


def test_the_hub_serves_its_table_of_routes_and_nothing_else() -> None:
    routes = hub().routes()
    assert all(isinstance(route.auth, Auth) for route in routes)
    expected = sorted((route.method, plain(route.path)) for route in routes)
    app = hub().application()
    assert registered(app) == expected == sorted(table_of(app))
    assert len(set(expected)) == len(expected)


def test_the_key_holder_serves_its_table_of_routes_and_nothing_else(tmp_path: Path) -> None:
    app = key_holder(tmp_path)
    assert registered(app) == sorted(table_of(app))


def test_the_node_serves_its_table_of_routes_and_nothing_else() -> None:
    app = node_api()
    assert registered(app) == sorted(table_of(app))
    assert {route.auth for route in app[ROUTES].values()} == {Auth.LOCAL_BEARER}


def test_only_reading_is_public() -> None:
    for route in hub().routes():
        assert (route.auth is Auth.PUBLIC) == (route.method == "GET"), route.path


def test_an_application_knows_the_authentication_of_each_route() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response()

    app = make_application([Route("GET", "/a", Auth.PUBLIC, handler)], body_limit=1)
    assert table_of(app) == {("GET", "/a"): "public"}


# The specifications


def spec(name: str) -> str:
    return (SPECS / name).read_text("utf-8")


def section(name: str, number: int) -> str:
    """The text of a section, by its number."""
    parts = re.split(r"^## (\d+)\.? .*$", spec(name), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[str(number)]


def rows(text: str, columns: int) -> list[list[str]]:
    """The rows of the tables with this many columns, without headings; a backslash escapes |."""
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        for line in table.splitlines()[2:]:
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if len(cells) == columns:
                found.append(cells)
    return found


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def test_the_table_of_routes_in_spec_07_is_the_code(tmp_path: Path) -> None:
    written: dict[str, dict[tuple[str, str], str]] = {}
    for service, method, path, auth, _ in rows(section("07-transport.md", 1), 5):
        written.setdefault(service, {})[(method, codes(path)[0])] = codes(auth)[0]
    assert written["hub"] == table_of(hub().application(watch(tmp_path).routes()))
    assert written["key holder"] == table_of(key_holder(tmp_path))
    watched = watch(tmp_path).application()
    assert written["node"] == table_of(node_api()) | table_of(watched)
    witness = make_app(NOTHING, lambda: 0, watch(tmp_path).routes())
    # The witness's library adds HEAD to GET, as aiohttp's add_get does.
    served = [(method, path) for method, path in registered(witness) if method != "HEAD"]
    assert sorted(written["witness"]) == served
    assert set(written["witness"].values()) <= {auth.name.lower() for auth in Auth}
    assert written.keys() == {"hub", "key holder", "node", "witness"}


def test_the_table_of_authentications_in_spec_07_is_the_code() -> None:
    written = {codes(name)[0]: text for name, text in rows(section("07-transport.md", 1), 2)}
    assert written == {auth.name.lower(): auth.value for auth in Auth}


def test_the_table_of_errors_in_spec_01_is_the_code() -> None:
    written = {
        codes(code)[0]: (int(status), title, advice)
        for code, status, title, advice in rows(section("01-statements.md", 6), 4)
    }
    assert written == {
        code.value: (text.status, text.title, text.what_to_do) for code, text in ERROR_TEXTS.items()
    }
    assert ERROR_TEXTS.keys() == set(ErrorCode)


# How spec 01 names the parties that the table of kinds knows.
PARTIES = {
    "hub": Party.HUB,
    "auditor": Party.AUDITOR,
    "key holder": Party.KEY_HOLDER,
    "the newcomer": Party.NEWCOMER,
    **dict.fromkeys(
        ("agency", "asking agency", "holding agency", "asking or holding agency", "member",
         "the member", "the other of the two", "whose statement it was"),
        Party.MEMBER,
    ),
}  # fmt: skip


def test_the_table_of_kinds_in_spec_01_is_the_code() -> None:
    written = {
        codes(kind)[0]: (PARTIES[sender], key, PARTIES[recipient], where, codes(body))
        for kind, sender, key, recipient, where, body in rows(section("01-statements.md", 5), 6)
    }
    assert written == {
        name: (
            kind.sender,
            kind.signing_key,
            kind.recipient,
            kind.leaf,
            list(kind.body.model_fields),
        )
        for name, kind in KINDS.items()
    }  # fmt: skip


def test_the_journals_of_daily_statements_are_those_of_spec_05() -> None:
    words = {
        start: set(re.findall(r"\b[a-z]+(?:_[a-z]+)*\b", line)) & KINDS.keys()
        for line in section("05-log.md", 14).splitlines()
        for start in ("- those of kind", "whose sender signs")
        if line.strip().startswith(start)
    }
    assert words["- those of kind"] == {
        name for name, kind in KINDS.items() if kind.in_recipients_journal
    }
    assert words["whose sender signs"] | words["- those of kind"] == {
        name for name, kind in KINDS.items() if kind.in_senders_journal
    }


def test_the_table_of_the_preamble_in_spec_01_is_the_code() -> None:
    written = [codes(name)[0] for name, _, _ in rows(section("01-statements.md", 4), 3)]
    assert written == list(Preamble.model_fields)


def test_the_tables_of_the_charter_in_spec_02_are_the_code() -> None:
    document = [codes(name)[0] for name, _ in rows(section("02-charter.md", 3), 2)]
    assert document == list(Charter.model_fields)
    basis = [code for name, _ in rows(section("02-charter.md", 4), 2) for code in codes(name)]
    assert basis == list(LawfulBasis.model_fields)


def test_the_table_of_wrappers_in_spec_07_is_the_code() -> None:
    models: Mapping[str, Any] = {**vars(wire), **vars(messages)}
    written = rows(section("07-transport.md", 3), 2)
    assert {name for name, _ in written} == {
        "Message", "Submitted", "UploadState", "Delivery", "Mailbag", "ExportRecord",
        "Invitation", "RowsChunk", "TokensChunk",
    }  # fmt: skip
    for name, fields in written:
        model = cast("type[BaseModel]", models[name])
        top = re.sub(r"\{.*\}", "", fields)
        assert codes(top) == list(model.model_fields), name


def test_the_table_of_limits_in_spec_07_is_the_code() -> None:
    units = {"KiB": 1 << 10, "MiB": 1 << 20}
    written = {}
    for what, amount in rows(section("07-transport.md", 5), 2):
        number, unit = amount.split(" ")
        written[what] = int(number) * units[unit]
    assert written == {
        "envelope": ENVELOPE_LIMIT,
        "sealed part, proof: each": SEALED_LIMIT,
        "wrapper": wire.MESSAGE_LIMIT,
        "chunk, charter document": CHUNK_LIMIT,
        "answer": RESPONSE_LIMIT,
        "record of a stream": RECORD_LIMIT,
    }
    assert CHUNK_LIMIT == DOCUMENT_LIMIT


REFERENCE = re.compile(r"specs/(\d\d-[a-z]+\.md)((?:(?:,| and|\s)*\s*§\d+(?:\.\d+)*)*)")
WITHIN = re.compile(r"(?<![/\w])(\d\d-[a-z]+\.md)((?:(?:,| and| to|\s)*\s*§\d+(?:\.\d+)*)*)")


def references(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    for name, sections in pattern.findall(text):
        yield name, re.findall(r"§(\d+)", sections)


@cache
def headings(name: str) -> set[str]:
    return set(re.findall(r"^## (\d+)\.? ", spec(name), flags=re.MULTILINE))


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=name_of)
def test_sections_that_modules_cite_are_there(path: Path) -> None:
    for name, numbers in references(path.read_text("utf-8"), REFERENCE):
        assert (SPECS / name).exists(), name
        assert set(numbers) <= headings(name), f"{name} has no such section"


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.md")), ids=lambda path: path.name)
def test_sections_that_specs_cite_are_there(path: Path) -> None:
    for name, numbers in references(path.read_text("utf-8"), WITHIN):
        assert (SPECS / name).exists(), name
        assert set(numbers) <= headings(name), f"{name} has no such section"


def test_the_reader_of_references_reads_them() -> None:
    text = "specs/05-log.md §6, §10 over; specs/03-tokens.md §1,\n§2 and §7. specs/02-charter.md."
    assert list(references(text, REFERENCE)) == [
        ("05-log.md", ["6", "10"]),
        ("03-tokens.md", ["1", "2", "7"]),
        ("02-charter.md", []),
    ]
    assert headings("05-log.md") == {str(number) for number in range(1, 18)}


def test_every_spec_is_in_the_index_and_implemented_somewhere() -> None:
    parts = {path.name for path in SPECS.glob("[0-9]*.md")}
    index = spec("README.md")
    assert set(re.findall(r"\]\((\d\d-[a-z]+\.md)\)", index)) == parts
    cited = {
        name
        for path in modules(*PACKAGES)
        for name, _ in references(path.read_text("utf-8"), REFERENCE)
    }
    assert parts <= cited


VECTOR_FILES = sorted((SPECS / "vectors").glob("*.json"))
# Example bytes: long hex or long base64.
LITERAL = re.compile(r"[0-9a-f]{32,}|[A-Za-z0-9+/]{40,}={0,2}")
# Examples without long bytes: that of 04 is checked by the recipes themselves, that of 08 by the
# audit's tests, which make such a case and get such a report.
IN_WORDS = {"04-matching.md", "08-audit.md"}
WITH_BYTES = [path for path in sorted(SPECS.glob("[0-9]*.md")) if path.name not in IN_WORDS]


def example_of(text: str) -> str:
    """Where a spec shows bytes: up to its second section, and its code blocks further on."""
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)
    blocks = re.findall(r"```.*?```|(?:^ {4}.*\n)+", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*parts[:2], *blocks])


@pytest.mark.parametrize("path", WITH_BYTES, ids=lambda path: path.name)
def test_the_example_of_a_spec_is_in_vectors_that_a_test_runs(path: Path) -> None:
    known = "".join(item.read_text("utf-8") for item in VECTOR_FILES)
    known += "".join(item.read_text("utf-8") for item in modules("tests/vectors", "protocol"))
    known = known.replace('\\"', '"').replace("\\n", "\n")
    literals = set(LITERAL.findall(example_of(spec(path.name))))
    assert literals, "a spec opens with example bytes"
    unknown = {item for item in literals if item not in known and item not in derived()}
    assert unknown == set()


def test_the_report_in_the_example_of_spec_08_is_one_that_tests_get() -> None:
    example = example_of(spec("08-audit.md"))
    codes_shown = set(re.findall(r"^ +\d+ +([a-z_]+): ", example, flags=re.MULTILINE))
    tests = "".join(path.read_text("utf-8") for path in modules("tests") if "audit" in path.name)
    assert codes_shown
    assert {code for code in codes_shown if code not in tests} == set()


def test_the_example_of_spec_04_is_what_the_recipes_make() -> None:
    records = (
        ClientRecord("999 300 1015", "Amira", "Noor", "Hassan", "2022-03-14", "F",
                     "14 Harbour Lane", "LX3 7QD"),
        ClientRecord(None, "Ameera Noor", None, "Hasan", "14/03/2022", "F",
                     "14 Harbour Ln", "LX37QD"),
    )  # fmt: skip
    england = pack("england")
    first, second = (match_keys(record, england.keys) for record in records)
    table = rows(section("04-matching.md", 1), 4)
    assert [key for key, _, _, _ in table] == list(england.keys)
    for key, one, other, equal in table:
        ones = [text.replace("\\|", "|") for text in codes(one)]
        others = [text.replace("\\|", "|") for text in codes(other)]
        assert ones == list(first.get(key, ()))
        assert (others or (ones if other.startswith("the same") else [])) == list(
            second.get(key, ())
        )
        assert (equal == "yes") == bool(set(first.get(key, ())) & set(second.get(key, ())))


@cache
def derived() -> str:
    """Values that vectors hold in another form: digests of keys in a sealing's info bytes."""
    cases = json.loads((SPECS / "vectors" / "sealing.json").read_text("utf-8"))["cases"]
    return " ".join(bytes.fromhex(case["info"]).decode("latin-1") for case in cases)


@pytest.mark.parametrize("path", VECTOR_FILES, ids=lambda path: path.name)
def test_every_vector_file_is_run_by_a_test_and_named_in_the_specs(path: Path) -> None:
    tests = [item.read_text("utf-8") for item in modules("tests/vectors")]
    assert any(path.name in text for text in tests)
    assert f"`{path.name}`" in spec("README.md")
    parts = [item.read_text("utf-8") for item in SPECS.glob("[0-9]*.md")]
    assert any(f"vectors/{path.name}" in text for text in parts)


# Settings


@pytest.mark.parametrize(
    "settings", [HubSettings, NodeSettings, MailSettings, HolderSettings, WitnessSettings]
)
def test_every_setting_says_what_it_means_and_what_changing_it_gains(
    settings: type[BaseModel],
) -> None:
    assert settings.model_fields
    for name, field in settings.model_fields.items():
        meaning, separator, gain = (field.description or "").partition("Changed")
        assert len(meaning.split()) >= 3, f"{name}: what does it mean?"
        assert separator, f"{name}: no word on what an attacker who changes it gains"
        assert len(gain.split()) >= 3, f"{name}: what does an attacker gain?"


def test_settings_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    for settings in (HubSettings, NodeSettings, HolderSettings, WitnessSettings):
        assert settings.model_config.get("extra") == "forbid"
        assert str(settings.model_config.get("env_prefix")).startswith("PATCHWORK_")
    assert not list(tmp_path.iterdir())
