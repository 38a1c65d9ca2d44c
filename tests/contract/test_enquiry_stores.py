"""What the stores of enquiries promise, the node's and the hub's, on every engine named here."""

from dataclasses import replace
from typing import Any

import pytest

from hub.store.enquiries import Enquiry as AtHub
from hub.store.tables import HubEngine
from node.store.enquiries import Enquiry, EnquiryState
from node.store.people import PersonKind
from node.store.permissions import At
from protocol.errors import LocalError
from protocol.requests.sealing import Opening
from tests.contract.test_node_record_stores import HUB, NOW, OTHER, Node, stub, three_clients, work
from tests.contract.test_node_record_stores import node as node

DAY = 86_400
HERE = At(HUB, NOW, past=90 * DAY)
UNTIL = NOW + 5 * DAY
ASKED = Enquiry(
    hub_id=HUB,
    enquiry_id="e1" * 16,
    client=1,
    practitioner=1,
    role="social_worker",
    purpose="safeguarding_child",
    basis="UK-CA89-S47",
    openings={"enquiry_reference": Opening(salt="5a" * 32, value="Monday")},
    made_at=NOW,
    until=UNTIL,
)
OF_HUB = AtHub("e1" * 16, "aa" * 16, "d1" * 16, "51" * 16, 200, 100, "s1", "d1", "allow")


async def enquired(node: Node, state: EnquiryState | None = None, **change: Any) -> list[int]:
    """Three in the table of clients, of whom the first is enquired about by the one person."""
    clients = await three_clients(node)
    made = replace(ASKED, client=clients[0], **change)

    def put(tables: Any) -> None:
        tables.people.register("Dana Door", "", PersonKind.WORKER, NOW)
        tables.enquiries.add(made)
        tables.records.add_involvements([work(clients[0], "enquiry", valid_until=UNTIL)])
        if state is not None:
            tables.enquiries.decide(made, state)

    await node.write(put)
    return clients


async def test_an_enquiry_is_kept_with_its_openings_and_moves_once(node: Node) -> None:
    (first, *_) = await enquired(node)
    made = replace(ASKED, client=first)
    assert await node.read(lambda t: t.enquiries.get(HUB, ASKED.enquiry_id)) == made
    assert await node.read(lambda t: t.enquiries.get(OTHER, ASKED.enquiry_id)) is None
    refused = replace(made, state=EnquiryState.REFUSED, code="wrong_fact", field="views")
    state = EnquiryState.REFUSED
    await node.write(lambda t: t.enquiries.decide(made, state, "wrong_fact", "views"))
    assert await node.read(lambda t: t.enquiries.of_client(first)) == [refused]
    with pytest.raises(LocalError):
        await node.write(lambda t: t.enquiries.decide(refused, EnquiryState.ALLOWED))


async def test_who_is_enquired_about_is_no_client(node: Node) -> None:
    first, *others = await enquired(node, EnquiryState.ALLOWED)
    listed = await node.read(lambda t: t.records.clients_after(0, 10))
    assert [client.id for client in listed] == others
    for found in (
        await node.read(lambda t: t.enquiries.about(HUB)),
        await node.read(lambda t: t.enquiries.everybody()),
    ):
        assert [client.id for client in found] == [first]
    assert await node.read(lambda t: t.enquiries.clients_after(HUB, 0, 1)) == [first]
    assert await node.read(lambda t: t.records.ids_after(0, 10)) == others
    assert await node.read(lambda t: t.enquiries.about(OTHER)) == []
    assert await node.read(lambda t: t.enquiries.clients_after(HUB, first, 5)) == []
    assert await node.read(lambda t: t.held.ended_after(0, 10, NOW + 99 * DAY)) == []
    assert await node.read(lambda t: t.records.unconfirmed(NOW + DAY, NOW + DAY)) == []
    assert await node.read(lambda t: t.going.over_after(0, 10, NOW + 99 * DAY)) == []
    assert await node.read(lambda t: t.figures.by_service(NOW)) == []


@pytest.mark.parametrize(
    ("state", "change", "hub_id", "there"),
    [
        (EnquiryState.ALLOWED, {}, HUB, True),
        (EnquiryState.ALLOWED, {}, OTHER, False),
        (None, {}, HUB, False),
        (EnquiryState.REFUSED, {}, HUB, False),
        (EnquiryState.LOG_LOST, {}, HUB, False),
        (EnquiryState.ALLOWED, {"valid_until": UNTIL + 1}, HUB, False),
        (EnquiryState.ALLOWED, {"valid_until": NOW}, HUB, False),
        (EnquiryState.ALLOWED, {"ended_at": NOW - 1}, HUB, False),
        (EnquiryState.ALLOWED, {"withdrawn_at": NOW - 1}, HUB, False),
        (EnquiryState.ALLOWED, {"type": "early_help"}, HUB, False),
    ],
)
async def test_it_is_published_where_and_as_far_as_it_was_allowed(
    node: Node, state: EnquiryState | None, change: dict[str, Any], hub_id: str, there: bool
) -> None:
    first, second, _ = await enquired(node, state)
    (item,) = await node.read(lambda t: t.records.involvements([first]))
    await node.write(lambda t: t.records.set_involvements([replace(item, **change)]))
    await node.write(lambda t: t.records.add_involvements([work(second, "enquiry")]))
    at = At(hub_id, NOW, past=90 * DAY)
    found = await node.read(lambda t: t.records.all_permitted([first, second], at))
    assert set(found) == ({first} if there else set()), "and never work of a client called so"


async def test_what_a_hub_is_to_be_told(node: Node) -> None:
    first, *_ = await enquired(node, EnquiryState.ALLOWED)

    async def told(**change: Any) -> bool:
        now = stub(first, **change)
        await node.write(lambda t: t.stubs.put(HUB, [now], 1))
        return await node.read(lambda t: t.enquiries.is_any_to_tell(HERE))

    assert await told(revision=0, retired=True, published_hash="")
    assert not await told(revision=1, retired=False, published_hash="x")
    await node.write(lambda t: t.stubs.publish_again(HUB, first))
    assert await node.read(lambda t: t.enquiries.is_any_to_tell(HERE))
    await node.write(lambda t: t.enquiries.end_with_log(HUB))
    assert await told(revision=1, retired=False, published_hash="x"), "that it is over"
    assert not await told(revision=2, retired=True, published_hash="")


async def test_it_is_over_a_day_after_the_last_of_them_was(node: Node) -> None:
    first, *_ = await enquired(node, EnquiryState.ALLOWED)
    for now, today, over in (
        (UNTIL - 1, UNTIL - 1, []),
        (UNTIL, UNTIL, [first]),
        (UNTIL, NOW, []),
    ):
        assert await node.read(lambda t, n=now, d=today: t.enquiries.over(n, d)) == over  # type: ignore[misc]
    again = replace(ASKED, client=first, enquiry_id="e2" * 16, made_at=NOW + DAY)
    await node.write(lambda t: t.enquiries.add(again))
    assert await node.read(lambda t: t.enquiries.over(UNTIL, UNTIL)) == [], "one is on its way"
    ids = {ASKED.enquiry_id: first, again.enquiry_id: first}
    assert await node.read(lambda t: t.enquiries.ids_of([first])) == {HUB: ids}


async def test_a_days_enquiries_are_counted_but_for_those_that_no_hub_took(node: Node) -> None:
    first, *_ = await enquired(node)
    await node.write(lambda t: t.people.register("Dele Door", "", PersonKind.WORKER, NOW))
    for number, (who, at) in enumerate([(1, NOW - 1), (2, NOW), (1, NOW)]):
        name = f"{number:032x}"
        made = replace(ASKED, client=first, enquiry_id=name, practitioner=who, made_at=at)
        await node.write(lambda t, made=made: t.enquiries.add(made))  # type: ignore[misc]
    assert await node.read(lambda t: t.enquiries.made_since(HUB, 1, NOW)) == (2, 3)
    await node.write(lambda t: t.enquiries.decide(made, EnquiryState.FAILED, "over_quota"))
    assert await node.read(lambda t: t.enquiries.made_since(HUB, 1, NOW)) == (1, 2)
    assert await node.read(lambda t: t.enquiries.made_since(OTHER, 1, NOW)) == (0, 0)


async def test_the_hub_counts_by_agency_and_person_and_allows_by_stub(hub: HubEngine) -> None:
    for number, change in enumerate(
        [
            {},
            {"practitioner": "d2" * 16, "until": 300},
            {"iat": 99},
            {"outcome": "refuse", "until": 900},
            {"agency": "bb" * 16, "until": 800},
            {"stub_id": "52" * 16, "outcome": "refuse"},
        ]
    ):
        name = f"{number:032x}"
        made = replace(OF_HUB, enquiry_id=name, statement=name, **change)  # type: ignore[arg-type]
        await hub.write(lambda t, made=made: t.enquiries.add(made))  # type: ignore[misc]
    agency, person, stubs = OF_HUB.agency, OF_HUB.practitioner, ["51" * 16, "52" * 16, "53" * 16]
    assert await hub.read(lambda t: t.enquiries.count_since(agency, person, 100)) == (3, 4)
    assert await hub.read(lambda t: t.enquiries.count_since("cc" * 16, person, 0)) == (0, 0)
    allowed = await hub.read(lambda t: t.enquiries.allowed_until(agency, stubs))
    assert allowed == {"51" * 16: 300}
    name = f"{1:032x}"
    first = replace(OF_HUB, enquiry_id=name, statement=name, practitioner="d2" * 16, until=300)
    assert await hub.read(lambda t: t.enquiries.get(name)) == first
    assert await hub.read(lambda t: t.enquiries.of_statement(name)) == first
    assert await hub.read(lambda t: t.enquiries.of_statement("nothing")) is None
