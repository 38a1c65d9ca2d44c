"""Who withdrew is not published under another id, over a restart, until a person has said."""

from dataclasses import replace

from node.links.team import Unpublished
from node.news.telling import tell_of_client
from node.records.clients import withdraw
from node.records.held import say_another, say_same
from node.store.tables import NodeTables
from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import DUTY, SimFederation, row

ERIN = ClientRecord("9990123454", "Erin", None, "Plattworth", "2019-06-23", "F",
                    "27 Quayside Row", "LX4 2BD")  # fmt: skip


async def test_nothing_of_a_held_client_is_published_before_a_person_has_said(
    federation: SimFederation,
) -> None:
    housing = await federation.join("Housing", "charity")
    await housing.take_in(row("00123", ERIN, "youth_work", DUTY))
    assert (await housing.publish()).changed == 1
    now = housing.membership.env.clock()
    await housing.write(lambda tables: withdraw(tables, "00123", now))
    assert (await housing.publish()).retired == 1

    again = row("123", replace(ERIN, nhs_number=None), "youth_work", DUTY)
    await housing.take_in(again)
    for _ in range(2):  # and the next feed frees nobody
        report = await housing.publish()
        assert (report.changed, report.retired) == (0, 0)
        assert (await housing.team("123")).unpublished is Unpublished.HELD
        await housing.take_in(again)

    person = await housing.read(lambda tables: tables.people.all()[0].id)
    await housing.write(lambda tables: say_another(tables, "123", (person, now)))
    assert (await housing.publish()).changed == 1


async def test_the_same_person_is_known_by_both_ids_and_can_withdraw_by_either(
    federation: SimFederation,
) -> None:
    housing = await federation.join("Housing", "charity")
    await housing.take_in(row("00123", ERIN, "youth_work", DUTY))
    now = housing.membership.env.clock()
    await housing.write(lambda tables: withdraw(tables, "00123", now))
    await housing.take_in(row("123", ERIN, "youth_work", DUTY))
    person = await housing.read(lambda tables: tables.people.all()[0].id)

    def handed_over(tables: NodeTables) -> None:
        (held,) = tables.records.clients(["123"]).values()
        tell_of_client(tables, held.id, person, now)

    await housing.write(handed_over)
    await housing.write(lambda tables: say_same(tables, "123", (person, now)))
    assert (await housing.team("123")).unpublished is Unpublished.NO_PERMISSION
    assert await housing.write(lambda tables: withdraw(tables, "123", now)) == 0
    await housing.take_in(row("123", ERIN, "youth_work", DUTY))
    assert (await housing.publish()).changed == 0
    assert await housing.read(lambda tables: tables.records.count()) == 1
