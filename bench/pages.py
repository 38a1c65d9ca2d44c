"""How long people wait for a page: ten of them click at an agency of 100,000 clients.

    python -m bench.pages [CLIENTS]

A node with its pages is served over HTTP, with its hub in memory; in a process of their own, ten
people open the lists, find somebody by a name with a slip, open a client's page, their inbox and
the news, each a click a second. Ours is the 95th percentile of all these; the baseline that of an
empty page, for which somebody has to be signed in, clicked by the same ten right after. The two
take turns: what others do to the machine meanwhile changes from minute to minute.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from http import HTTPStatus
from pathlib import Path
from random import Random

import aiohttp

from bench.clients import OF_EACH, SIZES, TEAM, fill, slip
from bench.results import Figure, record
from node.records.accounts import NewAccount, invite
from node.records.caseload import look
from node.store.records import ClientRow
from node.web.pages.site import node_site
from storage.accounts import Session, hashed
from storage.engine import batches
from tests.sim.crowd import crowd
from tests.sim.federation import SimFederation, SimNode, simulated, two_agencies
from transport.server import listening

PEOPLE, CLICKS, PAUSE, ROUNDS = 10, 14, 1.0, 4
AT_ONCE = 10 * TEAM  # clients in a transaction: what an index gets is put in where it belongs
MOST_MS = 150
EMPTY = "/mail"


async def main() -> None:
    """Measure, and keep the figures."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]
    with tempfile.TemporaryDirectory() as name:
        SimFederation.rehearse = False
        async with simulated(Path(name)) as federation:
            await two_agencies(federation)
            node = next(iter(federation.nodes.values()))
            pages = await filled(node, size)
            service = node.service
            env = service.membership.env
            site = node_site(service.membership.engine, [service], service.settings, env)
            forms = {one: site.keeper.form_token(one) for one in pages}
            async with listening(site.application(), "127.0.0.1", 0) as port:
                waits: dict[bool, list[float]] = {True: [], False: []}
                for _ in range(ROUNDS):
                    for whole in waits:
                        shown = pages if whole else {one: [[EMPTY, ""]] for one in pages}
                        waits[whole] += await clicked(port, shown, forms)
    ours, empty = (statistics.quantiles(found, n=20)[18] for found in waits.values())
    name = "pages_p95" if size >= SIZES[-1] else f"pages_p95_{size}"
    record(Figure(name, ours, empty, "ms for a page, p95", 3, "max"))
    record(Figure(f"{name}_of_150_ms", ours, MOST_MS, "ms for a page, p95", 1, "max"))


async def filled(node: SimNode, size: int) -> dict[str, list[list[str]]]:
    """So many clients and ten people signed in: for each session what they click, [path, words]."""
    for people in batches(crowd(size), AT_ONCE):
        rows = [ClientRow(row.local_id, row.record) for row in people]
        await node.write(lambda t, rows=rows: fill(t, rows))  # type: ignore[misc]
    env, draw = node.membership.env, Random(size)  # noqa: S311 - the same clients each time
    found: dict[str, list[list[str]]] = {}
    workers = await node.read(
        lambda t: [one for one in t.people.all() if one.name.startswith("Worker ")]
    )
    for n, person in enumerate(draw.sample(workers, PEOPLE)):
        first = int(person.name.removeprefix("Worker "))
        secret = f"person-{n}"
        account = await node.write(
            lambda t, p=person, s=secret: invite(t, NewAccount(p.title, s), s, env.clock())  # type: ignore[misc]
        )
        session = Session(hashed(secret), account.id, env.clock(), env.clock(), "")
        await node.write(lambda t, s=session: t.sessions.start(s))  # type: ignore[misc]
        clients = await node.read(lambda t, f=first: t.records.clients_after(f - 1, OF_EACH))  # type: ignore[misc]
        pages = [["/clients", ""], ["/clients/team", ""], ["/inbox", ""], ["/news", ""]]
        for client in clients[:5]:
            await node.write(
                lambda t, p=person, c=client: look(t, p, c.id, env.clock(), "bench")  # type: ignore[misc]
            )
            pages += [[f"/clients/{client.id}", ""]]
            pages += [["/clients/find", f"{slip(client.record.family)} {client.record.given}"]]
        found[secret] = pages
    return found


async def clicked(
    port: int, pages: dict[str, list[list[str]]], forms: dict[str, str]
) -> list[float]:
    """What ten people waited for, in milliseconds."""
    said = json.dumps({"port": port, "pages": pages, "forms": forms})
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.pages", "click",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await running.communicate(said.encode())
    took = defaultdict[str, list[float]](list)
    for path, seconds in json.loads(out):
        took[path].append(seconds * 1000)
    for path, each in took.items():
        half, most = statistics.median(each), max(each)
        print(f"  {path:24s} {half:8.1f} ms, the slowest {most:8.1f}", file=sys.stderr)
    return [one for each in took.values() for one in each]


async def click() -> None:
    """What the people's process does; prints [path, seconds] of every click."""
    said = json.loads(sys.stdin.read())
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{said['port']}", cookie_jar=jar) as web:
        people = [
            clicks(web, session, said["forms"][session], pages, n)
            for n, (session, pages) in enumerate(said["pages"].items())
        ]
        took = [one for person in await asyncio.gather(*people) for one in person]
    print(json.dumps(took))


async def clicks(
    web: aiohttp.ClientSession, session: str, token: str, pages: list[list[str]], n: int
) -> list[tuple[str, float]]:
    """One person's clicks, one a second."""
    await asyncio.sleep(n * PAUSE / PEOPLE)
    headers = {"Cookie": f"patchwork={session}", "Origin": str(web._base_url).rstrip("/")}  # noqa: SLF001
    took = []
    for at in range(CLICKS):
        path, words = pages[at % len(pages)]
        began = time.perf_counter()
        if words:
            form = {"csrf": token, "words": words}
            answer = await web.post(path, data=form, headers=headers, allow_redirects=False)
        else:
            answer = await web.get(path, headers=headers, allow_redirects=False)
        await answer.read()
        seconds = time.perf_counter() - began
        if answer.status != HTTPStatus.OK:
            raise SystemExit(f"{path} answers {answer.status}")
        took.append((path.rstrip("0123456789"), seconds))
        await asyncio.sleep(max(0.0, PAUSE - seconds))
    return took


if __name__ == "__main__":
    asyncio.run(click() if sys.argv[1:] == ["click"] else main())
