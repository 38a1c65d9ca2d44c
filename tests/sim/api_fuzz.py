"""Fuzzing the local interface with what schemathesis makes of its own description.

A node with a hub behind it serves in a thread. Every answer is held against the description, and
every refusal of a body against the node's database: it has changed nothing.
"""

import asyncio
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, TypeAlias, cast

import requests
import schemathesis
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import DrawFn, SearchStrategy, booleans, composite, sampled_from
from schemathesis import APIOperation, Case, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from node.store.merges import Preset
from node.store.people import PersonKind
from node.store.tables import NodeTables
from node.web.api import LocalApi, description
from tests.sim.federation import SimFederation, simulated

Sent: TypeAlias = Case[Any]
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

TOKEN = "ab" * 32
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
BOTH = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
OF_SHAPE = {"malformed", "unknown_field", "not_json", "too_large"}
"""Codes of what is refused before anything is looked up."""
NECESSITY = {"necessity": "Asked for joined-up help."}
USUAL: dict[str, list[Any]] = {
    "practitioner": ["H. Visitor", "M. Anager", "G. Lead"],
    "client": ["h1", "h2"], "into": ["h1", "h2"], "relative": ["h1", "h2"], "relation": ["sister"],
    "text": ["amirra"], "preset": ["usual"], "type": ["health_visiting"], "work": [None, 1],
    "typed": [
        {"given": "Ruby", "family": "Nowak", "date_of_birth": "14/3/2011", "postcode": "LX3 4AB"}
    ],
    "number": [1], "objection": [1], "alarm": [1], "version": [1], "draft": [1],
    "basis": ["UK-CA04-S10-S11"], "purpose": ["safeguarding_child"], "role": ["health_visitor"],
    "facts": [NECESSITY], "needed_by": ["tomorrow", ""], "on": ["today"], "until": ["2026-12-01"],
    "review": ["2026-11-01"], "classes": [["police"]], "purposes": [["early_help"]],
    "hand_to": ["H. Visitor", ""], "life_or_death": [True], "other_side_is_told": [True],
    "/v1/clients/add.client": ["h3", ""], "/v1/clients/add.consent": ["today"],
    "/v1/clients/consent/receipt.consent": [1], "/v1/clients/consent/give.basis": ["UK-CONSENT"],
    "/v1/requests/ask.draft": [0], "to": ["H. Visitor"], "last": ["2026-10-02"], "first": [None],
    "/v1/people/add.kind": [None, "worker"], "/v1/attention/raise.kind": ["missing"],
    "name": ["New Worker"], "cover": ["H. Visitor", ""], "duty": [None], "manager": [None],
    "team": [None], "mail": ["daily"], "/v1/people/mail.to": [None], "service_is_told": [True],
    "/v1/details/change.name": [None, "Health visiting"], "duty_line": ["01632 960300"],
    "/v1/invites.name": ["Youth Club East"], "member_class": ["charity"], "refusal": [None],
    "override": [None], "/v1/clients/presets/put.name": ["other"], "said_by": ["client"],
}  # fmt: skip
"""Values that health visiting has something of, or that it could say."""

STAYS = {
    "/v1/requests/ask", "/v1/clients/add", "/v1/review/answer", "/v1/invites",
    "/v1/attention/raise",
}  # fmt: skip
"""What says that something stays: a draft, a client whom nobody can find yet, what became of what
the hub did not take, and who had asked it.
"""


@contextmanager
def served(make: Callable[[], AbstractAsyncContextManager[web.Application]]) -> Iterator[str]:
    """Serve an application in a thread meanwhile; its address. `make` runs in that thread."""
    told: Queue[str | BaseException] = Queue()
    stop, loop = asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        try:
            async with make() as app, TestServer(app) as server:
                told.put(str(server.make_url("/")).rstrip("/"))
                await stop.wait()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            told.put(error)

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        address = told.get()
        if isinstance(address, BaseException):
            raise address
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class Fuzz:
    """Sends what a description lets one send, and what it does not; `statuses` counts answers by
    path. `known`: by the name of a field, values that this node has something of; `file`: its
    database. Raises the first fault that it finds.
    """

    def __init__(
        self, url: str, document: Mapping[str, Any], known: Mapping[str, Sequence[Any]], file: Path
    ) -> None:
        self.schema = schemathesis.openapi.from_dict(dict(document))
        self.schema.config.phases.coverage.unexpected_methods = {"GET", "DELETE"}
        self.statuses = Counter[tuple[str, int]]()
        schemas = document["components"]["schemas"].values()
        self._names = {name for schema in schemas for name in schema.get("properties", {})}
        self._url, self._document, self._known = url, document, known
        self._watch = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        self._seen = (0, "")
        self._session = requests.Session()

    def everything(self, every: int, examples: int) -> None:
        """Fuzz all that is posted, own clients last: much of the rest needs them as they are."""
        found = [result.ok() for result in self.schema.get_all_operations()]  # type: ignore[union-attr]
        posted = [one for one in found if one.method.upper() == "POST"]
        for operation in sorted(posted, key=lambda one: one.path.startswith("/v1/clients")):
            self.anything(operation, examples)
            self.every_bound(operation, every)

    def every_bound(self, operation: Operation, every: int = 1) -> None:
        """What stands at the bounds of each field and just over them, and of each type but its own:
        all of these, or one of so many.
        """
        generation = self.schema.config.generation_for(operation=operation)
        cases = self.schema.iter_coverage_cases(
            operation, generation_modes=BOTH, generation_config=generation
        )
        for number, case in enumerate(cases):
            if number % every == 0:
                self.send(case)

    def anything(self, operation: Operation, examples: int) -> None:
        """So many of what fits the description, often about what is here, and of what does not."""
        for strategy in (
            self._about_what_is_here(operation),
            operation.as_strategy(GenerationMode.NEGATIVE),
        ):

            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def sent(case: Sent) -> None:
                self.send(case)

            sent()

    def send(self, case: Sent) -> None:
        """Send one, and look at what comes back."""
        before = self._holds()
        response = case.call(self._url, self._session, HEADERS)
        self.statuses[case.path, response.status_code] += 1
        # Too large is refused as well: the check knows no such refusal.
        skipped: list[CheckFunction] = (
            [checks.negative_data_rejection] if response.status_code == 413 else []
        )
        case.validate_response(response, checks=CHECKS, excluded_checks=skipped, headers=HEADERS)
        if response.status_code >= 400:
            code = response.json()["code"]
            told = {text for text in texts(case.body) if len(text) > 7 and text in response.text}
            assert told <= self._names | ours(case.body), f"{case.path}: {code} holds {told}"
            wrote = self._holds() != before
            assert not wrote or case.path in STAYS, f"{case.path}: {code}, and something stays"
            wrong = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
            assert not wrong or code in OF_SHAPE, f"{case.path}: {code} of {case.body!r}"

    def _about_what_is_here(self, operation: Operation) -> SearchStrategy[Sent]:
        fields = self._fields(operation)

        @composite
        def likely(draw: DrawFn) -> Sent:
            case = draw(operation.as_strategy(GenerationMode.POSITIVE))
            surely = draw(booleans())
            if surely or draw(booleans()):
                case.query = {}
            body = cast("dict[str, Any]", case.body)
            for name in fields:
                found = self._known.get(f"{case.path}.{name}", self._known.get(name))
                if found and (surely or draw(booleans())):
                    body[name] = draw(sampled_from(found))
            return case

        return likely()

    def _fields(self, operation: Operation) -> list[str]:
        """The names of the fields of what is posted."""
        content = self._document["paths"][operation.path]["post"]["requestBody"]["content"]
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        return [*self._document["components"]["schemas"][name].get("properties", {})]

    def _holds(self) -> str:
        """What the node's database holds, in short; read anew only where something was written."""
        (version,) = self._watch.execute("PRAGMA data_version").fetchone()
        if version != self._seen[0]:
            dump = "\n".join(self._watch.iterdump())
            self._seen = (version, hashlib.sha256(dump.encode()).hexdigest())
        return self._seen[1]


def texts(value: object) -> Iterator[str]:
    """Every text and every key in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def ours(body: object) -> set[str]:
    """Ids of own clients and names of own people in a body: sentences that say what to do, or who
    has it already, have them.
    """
    fields = ("client", "into", "practitioner", "to", "name", "hand_to", "cover")
    found = [body.get(field) for field in fields] if isinstance(body, dict) else []
    return {text for text in found if isinstance(text, str)}


@contextmanager
def lived_in(folder: Path, left: SimFederation) -> Iterator[Fuzz]:
    """Fuzz health visiting of a federation that goes on in this folder, with its hub behind it."""
    known: dict[str, list[Any]] = {}

    @asynccontextmanager
    async def make() -> AsyncIterator[web.Application]:
        async with simulated(folder, resume=left) as federation:
            known.update(await something_of_everything(federation))
            health, _ = federation.nodes.values()
            yield LocalApi([health.service], TOKEN, "127.0.0.1").application()

    with served(make) as url:
        file = folder / "Health visiting" / "node.sqlite"
        yield Fuzz(url, json.loads(description()), known, file)


async def something_of_everything(federation: SimFederation) -> dict[str, list[Any]]:
    """Let health visiting have requests that wait, a card that is out, a request of its own, people
    of each kind, a consent; what there is, by the names of fields.
    """
    health, care = federation.nodes.values()
    await health.write(_register)
    await health.agree("h2")
    (entry,) = (await care.team("c1")).others
    asked = [await care.ask("c1", entry.involvement_id) for _ in range(3)]
    await federation.settle()
    await health.answer(asked[0])
    (theirs,) = (await health.team("h1")).others
    change = {"basis": "UK-CA04-S10-S11", "facts": NECESSITY, "role": "health_visitor"}
    mine = await health.ask("h1", theirs.involvement_id, **change)
    await federation.settle()
    assert (await care.sent(asked[0]))["state"] == "opened"
    assert (await health.sent(mine))["state"] == "waiting"
    return {
        **USUAL,
        "request_id": [*asked, mine],
        "link_id": [theirs.link_id],
        "reference": [theirs.reference],
    }


def _register(tables: NodeTables) -> None:
    for name, kind in (
        ("M. Anager", PersonKind.MANAGER),
        ("G. Lead", PersonKind.GOVERNANCE_LEAD),
        ("New Worker", PersonKind.WORKER),
    ):
        tables.people.register(name, "", kind, 1)
    tables.merges.put_preset(Preset("usual", "health_visiting", None, None, "UK-CA04-S10-S11", 365))
