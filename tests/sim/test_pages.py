"""Every page with every role: who may, may; nobody else, whatever is in the address or the form."""

import re

from node.records import people
from node.records.accounts import Role
from storage.accounts import hashed
from tests.sim.federation import SimNode
from tests.sim.visitors import SIGNED_IN, Visitor, path_of

LONG = "a" * 3_000
RUDE = (
    "", " ", LONG, "<script>alert(1)</script>", "\u202egnol", "\u0000", "مرحبا بك", "{{ 7 * 7 }}",
    "../../etc/passwd", "1 OR 1=1", "🙂" * 50,
)  # fmt: skip


async def test_a_page_opens_for_its_roles_and_for_nobody_else(
    visitors: dict[Role | None, Visitor],
) -> None:
    for page in SIGNED_IN:
        assert page.roles is not None
        for role, visitor in visitors.items():
            answer = await visitor.get(path_of(page.path))
            where = (page.path, role, answer.status)
            if role is None:
                assert answer.status == 303, where
                assert answer.headers["Location"].startswith("/sign-in?then="), where
            elif role in page.roles:
                assert answer.status in {200, 303, 404}, where
            else:
                assert answer.status == 403, where
            assert answer.headers["Cache-Control"] == "no-store", where
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"], where
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], where


async def test_a_form_does_nothing_in_another_role_or_without_its_token(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    before = await health.read(lambda t: (t.count("act"), t.count("outbox"), t.count("client")))
    for page in SIGNED_IN:
        if page.act is None or page.roles is None:
            continue
        for role, visitor in visitors.items():
            answer = await visitor.post(path_of(page.path), csrf="0" * 64)
            assert answer.status in ({303} if role is None else {403}), (page.path, role)
            if role is not None and role not in page.roles:
                answer = await visitor.post(path_of(page.path))
                assert answer.status == 403, (page.path, role)
    after = await health.read(lambda t: (t.count("act"), t.count("outbox"), t.count("client")))
    assert after == before


async def test_whatever_is_typed_is_answered_with_a_page(
    visitors: dict[Role | None, Visitor],
) -> None:
    """Empty, huge, script-laden, bidi and right-to-left input in every field of every form."""
    for page in SIGNED_IN:
        if page.act is None or page.roles is None:
            continue
        visitor = next(visitors[role] for role in Role if role in page.roles)
        names = await fields_of(visitor, path_of(page.path))
        for text in RUDE:
            fields = dict.fromkeys(names, text)
            answer = await visitor.post(path_of(page.path), **fields)
            said = await answer.text()
            assert answer.status in {200, 303, 400, 403, 404, 409, 413}, (page.path, text[:20])
            assert "<script>alert" not in said
            assert ">49<" not in said


async def fields_of(visitor: Visitor, path: str) -> list[str]:
    """The names of what can be filled in on a page."""
    html = await (await visitor.get(path)).text()
    return [name for name in re.findall(r'name="([a-z_-]+)"', html) if name not in ("csrf", "once")]


async def test_a_session_that_was_ended_opens_nothing(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    worker = visitors[Role.PRACTITIONER]
    assert (await worker.get("/clients")).status == 200
    await health.write(lambda t: t.sessions.end(hashed(Role.PRACTITIONER.value)))
    assert (await worker.get("/clients")).status == 303
    assert (await visitors[Role.MANAGER].get("/clients")).status == 200
    await health.write(lambda t: people.close(t, "P. Manager (West)", "", 2))
    assert (await visitors[Role.MANAGER].get("/clients")).status == 403  # and is told whom to ask
    assert (await visitors[Role.MANAGER].get("/clients")).status == 303


async def test_help_is_there_for_everybody_and_for_who_cannot_get_in(
    visitors: dict[Role | None, Visitor],
) -> None:
    for visitor in (visitors[None], visitors[Role.PRACTITIONER]):
        said = await (await visitor.get("/help")).text()
        topics = re.findall(r'href="(/help/\w+)"', said)
        assert len(set(topics)) >= 8
        for topic in topics:
            answer = await visitor.get(topic)
            assert (answer.status, "<ol" in await answer.text()) == (200, True), topic
        assert (await visitor.get("/help/nothing")).status == 404
    said = await (await visitors[None].get("/sign-in")).text()
    assert 'href="/help/sign_in"' in said
