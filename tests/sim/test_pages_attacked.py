"""What somebody tries at the pages who means harm, or who is careless as nobody foresaw."""

from typing import Any

import pytest

from node.records.accounts import Role
from tests.sim.browsing import Browser, opened
from tests.sim.federation import SimNode
from tests.sim.visitors import Visitor, visiting

Visitors = dict[Role | None, Visitor]
NO_FORMS = {
    "a name that is no text": b'Content-Disposition: form-data; name="\xff"',
    "a header without a colon": b"Content Disposition form",
    "a header with a zero": b'Content-Disposition: form-data; name="a\x00"',
    "a header of many kilobytes": b'Content-Disposition: form-data; name="' + b"a" * 20_000 + b'"',
    "thousands of headers": b"\r\n".join(b"X-%d: 1" % number for number in range(5_000)),
}


async def test_a_link_from_another_site_ends_nobody_s_session(
    agencies: tuple[SimNode, SimNode],
) -> None:
    """A browser that follows it brings no strict cookie, and is shown the sign-in page."""
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        me = Browser(visitors[None].client)
        await me.sign_in("visitor")
        mine = me.cookies["patchwork"]
        for path in ("/clients", "/sign-in", "/help", "/no-such-page"):
            me.cookies.pop("patchwork")
            await me.get(path)
            me.cookies = {"patchwork": mine} | me.cookies
            assert await me.get("/clients") == 200, path
        me.cookies.pop("patchwork")
        await me.get("/sign-in")
        me.cookies["patchwork"] = mine
        assert await me.post("/sign-in", name="visitor", password="four plain words here") == 303
        assert me.cookies["patchwork"] != mine  # the form that stood there works, too
        assert await me.get("/clients") == 200
        stranger = Browser(visitors[None].client)
        await stranger.get("/sign-in")
        me.cookies |= stranger.cookies
        assert await me.post("/clients/find", csrf=stranger.csrf, words="Amira") == 403


@pytest.mark.parametrize("head", NO_FORMS.values(), ids=NO_FORMS)
async def test_bytes_that_are_no_form_are_the_sender_s_fault(
    visitors: Visitors, head: bytes
) -> None:
    manager = visitors[Role.MANAGER]
    token = b'Content-Disposition: form-data; name="csrf"\r\n\r\n' + manager.csrf.encode()
    body = b"--B\r\n" + token + b"\r\n--B\r\n" + head + b"\r\n\r\nx\r\n--B--\r\n"
    for path in ("/import", "/clients/find"):
        assert await sent(manager, path, body) == 400, path
    half = b"--B\r\n" + token + b"\r\n--B\r\nContent-Disp"
    assert await sent(manager, "/import", half) == 400


async def sent(visitor: Visitor, path: str, body: bytes) -> int:
    headers = {**visitor.sent_here(), "Content-Type": "multipart/form-data; boundary=B"}
    answer: Any = await visitor.client.post(path, data=body, headers=headers)
    return int(answer.status)
