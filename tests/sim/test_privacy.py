"""Marked names go through the whole federation; then everything captured is searched for them."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from node.actions.attention import Wish, invite_agency, raise_attention
from node.publishing.tokens import TokenCache
from node.records.importer.rows import Permission
from node.requests.answering import Answer
from node.requests.attention import Alert
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord
from protocol.requests.refusals import RefusalCode
from tests.sim.federation import SimFederation, SimNode, row

MARKS = (b"Zebulonia", b"Quixwater", b"Xanthic", b"9990000026", b"LX97XQ", b"2019-11-07",
         b"20191107", b"Markworker", b"07700900999", b"markmail", b"REFMARK")  # fmt: skip
MARKED = ClientRecord("999 000 0026", "Zebulonia", "Xanthic", "Quixwater", "2019-11-07", "F",
                      "7 Quixwater Lane", "LX9 7XQ")  # fmt: skip
DUTY = Permission("UK-CA04-S10-S11", date(2030, 1, 1), None)
BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


def layers(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes, and what every base64 run in them decodes to, and so on."""
    yield data
    if depth < 4:
        for run in BASE64.findall(data):
            try:
                decoded = base64.b64decode(run, validate=True)
            except binascii.Error:
                continue
            yield from layers(decoded, depth + 1)


def found_in(data: bytes) -> set[bytes]:
    """The marks that show anywhere in the bytes."""
    return {mark for layer in layers(data) for mark in MARKS if mark.lower() in layer.lower()}


async def test_no_client_or_practitioner_shows_outside_the_two_agencies(
    federation: SimFederation, capfd: pytest.CaptureFixture[str]
) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    for node, involvement in ((health, "health_visiting"), (care, "child_in_need")):
        marked = row("x1", MARKED, involvement, DUTY, "M. Markworker")
        worker = marked.worker.__class__(
            "M. Markworker", "Practitioner", "07700900999", "markmail@agency.example", "East"
        )
        await node.take_in(marked.__class__(**{**vars(marked), "worker": worker}))
        await node.publish()
    await federation.round()
    involvement_id = (await care.team("x1")).others[0].involvement_id
    facts = {"enquiry_reference": "REFMARK-17", "informed": "informed"}
    request_id = await care.ask("x1", involvement_id, facts=facts)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    opened = await care.sent(request_id)
    assert "07700900999" in opened["card"], "the card did arrive, so there was something to leak"
    other = await care.ask("x1", involvement_id, facts=facts)
    await federation.settle()
    no = Answer(other, 1, RefusalCode.NOT_PROPORTIONATE, reason="Zebulonia Quixwater, REFMARK-18")
    await health.write(lambda tables: health.service.answering.answer(tables, no))
    await health.service.advance()
    await federation.settle()
    assert "REFMARK-18" in (await care.sent(other))["reason"], "and so did the reason in writing"
    assert await raise_attention(care.service, Alert("x1", 1, "social_worker", "missing")) == "sent"
    await federation.settle()
    assert await health.read(lambda tables: tables.count("received_attention")) == 1
    wish = Wish("Rowan Youth Club", "01632 960300", "charity", 1)
    assert await invite_agency(care.service, wish) == "sent"
    for name in ("Zebulonia Quixwater", "the quixwater family, ZEBULONIA"):
        with pytest.raises(LocalError, match="name of a client of yours"):
            await invite_agency(care.service, replace(wish, name=name))
    with pytest.raises(LocalError, match="one of"):
        await raise_attention(care.service, Alert("x1", 1, "social_worker", "Zebulonia"))
    with pytest.raises(LocalError, match="informed"):
        await care.ask("x1", involvement_id, facts={**facts, "informed": "Zebulonia"})
    with pytest.raises(LocalError, match="remark"):
        await care.ask("x1", involvement_id, facts={**facts, "remark": "Zebulonia"})

    for data in federation.network.captured:
        assert found_in(data) == set(), "on the wire"
    for name in ("hub", "holder-1", "holder-2", "holder-3"):
        for path in (federation.folder / name).rglob("*"):
            if path.is_file():
                assert found_in(path.read_bytes()) == set(), f"in {path.name} of {name}"
    written = capfd.readouterr()
    assert found_in((written.out + written.err).encode()) == set(), "in the programs' logs"


async def test_the_hub_keeps_no_sealed_part_that_was_acknowledged(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    """A request's openings and the card lie there until they are fetched, and not a poll longer."""
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert len(await _sealed_at_hub(federation)) == 1
    await federation.settle()
    await health.answer(request_id)
    await federation.checkpoint()
    await care.membership.sync()
    await health.service.advance()
    assert len(await _sealed_at_hub(federation)) == 1, "the card, before anybody has come for it"
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert await _sealed_at_hub(federation) == []


async def _sealed_at_hub(federation: SimFederation) -> list[bytes]:
    sql = "SELECT sealed FROM mailbox WHERE sealed IS NOT NULL"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql))
    return [row["sealed"] for row in rows]


async def test_the_hubs_disk_never_holds_a_token(federation: SimFederation) -> None:
    health = await federation.join("Health visiting", "health_provider")
    await health.take_in(row("x1", MARKED, "health_visiting", DUTY))
    await health.publish()
    cache = TokenCache(health.membership)
    digests = await health.read(
        lambda tables: tables.tx.rows("SELECT input_digest FROM published_token")
    )
    pairs = await health.read(
        lambda tables: [cache.get(tables, item["input_digest"]) for item in digests]
    )
    assert len(pairs) > 5
    disk = b"".join(p.read_bytes() for p in (federation.folder / "hub").glob("hub.sqlite*"))
    for pair in pairs:
        for form in (pair.token, base64.b64encode(pair.token), pair.token.hex().encode()):
            assert form not in disk
        assert pair.link_secret not in disk
    sent = b"".join(layer for data in federation.network.captured for layer in layers(data))
    assert any(pair.token in sent for pair in pairs), "tokens are sent to the hub"
    assert not any(pair.link_secret in sent for pair in pairs), "link secrets never are"


def test_secrets_do_not_show_in_reprs() -> None:
    from keys.group import SecretScalar
    from node.membership.keys import Keys
    from protocol.signing import SecretSeed

    seed = SecretSeed(b"\xabsecret-secret-secret-secret-xyz")
    shown = repr((seed, Keys(seed, seed, seed, seed), SecretScalar(123456789), MARKED))
    assert "secret-secret" not in shown
    assert "123456789" not in shown
    assert "Zebulonia" not in shown
