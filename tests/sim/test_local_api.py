"""What people do with their records and the agreement, done by their own system over HTTP."""

import json
from collections.abc import AsyncIterator

import pytest

from node.store.people import PersonKind
from node.web.api import ALL_CALLS
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_api import BEARER, JSON, Api, client_of, posts

RUBY = {"given": "Ruby", "family": "Nowak", "date_of_birth": "14/3/2011", "postcode": "LX3 4AB"}
BY = {"practitioner": "Y. Worker"}
NO_JSON = [
    b"", b"null", b"[]", b'"a"', b"{", b"{} {}", b'{"practitioner":NaN}', b'{"number":1e400}',
    b'{"number":1.0}', b'{"number":-Infinity}', b'{"number":9007199254740993}',
    b'{"number":' + b"9" * 5000 + b"}", b'{"client":"a","client":"a"}', b'{"client":"\\ud800"}',
    b'{"client":"\xff"}', b"\xef\xbb\xbf{}", '{"client":"a"}'.encode("utf-16"),
    b'{"a":' * 20 + b"1" + b"}" * 20, b"{'client':'a'}", b'{"client":"a",}', b'{"client":"\x01"}',
]  # fmt: skip


@pytest.fixture
async def charity(federation: SimFederation) -> SimNode:
    """A charity with one worker, and no client."""
    made = await federation.join("Youth club", "charity")
    await made.write(lambda t: t.people.register("Y. Worker", "", PersonKind.WORKER, 1))
    return made


@pytest.fixture
async def api(charity: SimNode) -> AsyncIterator[Api]:
    client = await client_of(charity.service)
    yield client
    await client.close()


async def test_no_call_reads_what_is_no_json_of_the_profile(charity: SimNode, api: Api) -> None:
    before = await charity.read(lambda t: t.tx.rows("SELECT total_changes() AS n"))
    for path in ALL_CALLS:
        for body in NO_JSON:
            answer = await api.post(path, headers=BEARER | JSON, data=body)
            said = json.loads(await answer.text())
            assert (answer.status, said["code"]) == (400, "malformed"), (path, body)
    assert await charity.read(lambda t: t.tx.rows("SELECT total_changes() AS n")) == before


async def test_a_refusal_says_which_field_and_not_what_was_in_it(
    charity: SimNode, api: Api
) -> None:
    wish = {"client": "h1", "reason": "In a refuge", "until": "2026-12-01", "review": "2026-11-01"}
    for change in ({"until": "Amira Hassan"}, {"review": "2026-02-30"}, {"until": "2026-W01-1"}):
        status, said = await posts(api, "/v1/clients/withhold", **{**wish, **change}, **BY)
        ((field, text),) = change.items()
        assert (status, said["code"]) == (400, "malformed")
        assert said["detail"].startswith(f"body: {field}: ")
        assert text not in json.dumps(said)


async def test_a_charity_keeps_its_records_by_its_own_system(
    federation: SimFederation, charity: SimNode, api: Api
) -> None:
    """From nothing: what new clients get, a client, a brother, how good it is, what waits."""
    status, refused = await posts(api, "/v1/clients/add", typed=RUBY, **BY)
    assert (status, refused["code"]) == (409, "not_ready")
    _, offered = await posts(api, "/v1/clients/presets")
    assert offered["presets"] == []
    assert {"code": "youth_work", "title": "Youth work"} in offered["types"]
    usual = {"name": "usual", "type": "youth_work", "basis": "UK-CA04-S10-S11", "days": 365}
    status, refused = await posts(api, "/v1/clients/presets/put", **{**usual, "type": "midwifery"})
    assert (status, refused["code"]) == (404, "not_found")
    kept = {**usual, "label": None, "team": None}
    assert await posts(api, "/v1/clients/presets/put", **usual) == (200, kept)
    assert (await posts(api, "/v1/clients/presets"))[1]["presets"] == [kept]

    await posts(api, "/v1/clients/add", client="y1", typed=RUBY, **BY)
    brother = {**RUBY, "given": "Jan", "date_of_birth": "1/5/2013"}
    await posts(api, "/v1/clients/add", client="y2", typed=brother, is_new=True, **BY)
    pair = {"client": "y1", "relative": "y2"}
    family = [{"client": "y2", "relation": "brother", "of_them": False}]
    joined = await posts(api, "/v1/clients/family/join", **pair, relation="brother")
    assert joined == (200, {"family": family})
    assert (await posts(api, "/v1/clients/family", client="y1"))[1] == {"family": family}
    assert (await posts(api, "/v1/clients/family/leave", **pair))[1] == {"family": []}

    _, good = await posts(api, "/v1/clients/status")
    (service,) = good["services"]
    assert (service["type"], service["clients"], service["with_postcode"]) == ("youth_work", 2, 2)
    assert (await posts(api, "/v1/clients/unconfirmed"))[1] == {"work": []}
    assert (await posts(api, "/v1/clients/duplicates"))[1] == {"duplicates": []}
    _, published = await posts(api, "/v1/publish")
    (report,) = published["published"]
    assert (report["hub"], report["unchanged"], report["changed"]) == ("Test hub", 2, 0)
    _, choices = await posts(api, "/v1/clients/consent/offered", client="y1")
    assert choices["works"] == [{"number": 1, "title": "Youth work"}]
    assert [basis["code"] for basis in choices["bases"]] == ["UK-CONSENT"]


async def test_a_held_client_is_answered_for(charity: SimNode, api: Api) -> None:
    await charity.take_in(row("00123", AMIRA, "youth_work", DUTY, "Y. Worker"))
    assert (await posts(api, "/v1/clients/withdraw"))[0] == 404
    withdrawn = await posts(
        api, "/v1/clients/consent/withdraw", client="00123", practitioner="Y. Worker (East)"
    )
    assert withdrawn == (200, {"withdrawn": 1, "still_findable": []})
    await charity.take_in(row("123", AMIRA, "youth_work", DUTY, "Y. Worker"))
    _, waiting = await posts(api, "/v1/clients/held")
    (held,) = waiting["held"]
    assert (held["client"], held["perhaps"], held["withdrawn"]) == ("123", "00123", True)
    answer = {"client": "123", "practitioner": "Y. Worker (East)"}
    assert (await posts(api, "/v1/clients/held/answer", **answer, same="true"))[0] == 400
    assert (await posts(api, "/v1/clients/held"))[1] == waiting
    assert await posts(api, "/v1/clients/held/answer", **answer, same=True) == (
        200,
        {"client": "123"},
    )
    assert (await posts(api, "/v1/clients/held"))[1] == {"held": []}


async def test_the_agreement_details_and_alarms(
    federation: SimFederation, charity: SimNode, api: Api
) -> None:
    _, agreement = await posts(api, "/v1/charter")
    assert (agreement["version"], agreement["signed"], agreement["binds"]) == (1, 1, True)
    status, refused = await posts(api, "/v1/charter/accept", version=2, **BY)
    assert (status, refused["code"]) == (409, "conflict")
    assert await posts(api, "/v1/charter/accept", version=1, **BY) == (200, {"version": 1})

    ours = {"name": "Youth club", "duty_line": "01632 960100", "duty_hours": "Always"}
    assert await posts(api, "/v1/details") == (200, ours)
    assert (await posts(api, "/v1/details/change", duty_line="call us", **BY))[0] == 400
    assert (await posts(api, "/v1/details/change", **BY))[0] == 400, "nothing is said"
    moved = {**ours, "duty_line": "01632 960300"}
    changed = await posts(api, "/v1/details/change", duty_line="01632 960300", **BY)
    assert changed == (200, moved)
    await federation.checkpoint()
    await charity.membership.follow()
    assert await posts(api, "/v1/details") == (200, moved)

    assert (await posts(api, "/v1/alarms"))[1] == {"alarms": []}
    assert (await posts(api, "/v1/alarms/acknowledge", alarm=1, **BY))[0] == 404
    assert (await posts(api, "/v1/alerts"))[1] == {"alerts": []}
    assert await posts(api, "/v1/alerts/seen", **BY) == (200, {"seen": 0})


async def test_a_card_about_the_wrong_person_and_one_that_cannot_wait(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    health, care = agencies
    (entry,) = (await care.team("c1")).others
    request_id = await care.ask("c1", entry.involvement_id)
    await federation.settle()
    holder, asker = await client_of(health.service), await client_of(care.service)
    try:
        one = {"request_id": request_id, "practitioner": "H. Visitor"}
        answered = await posts(holder, "/v1/requests/answer", **one, refusal=None)
        assert answered == (200, {"request_id": request_id, "refusal": None})
        status, said = await posts(holder, "/v1/requests/release-now", **one, life_or_death=False)
        assert (status, "life_or_death must be true" in said["detail"]) == (400, True)
        status, _ = await posts(holder, "/v1/requests/release-now", **one, life_or_death=True)
        assert status == 403, "it is no matter of life and death"
        await federation.settle()
        _, box = await posts(asker, "/v1/inbox")
        assert box["sent"][0]["card"]["phone"] == "07700 900123"
        _, opened = await posts(holder, "/v1/requests/disclosure", **one)
        assert (opened["request_id"], opened["facts"]["decided_by_person"]) == (request_id, True)
        wrong = {"request_id": request_id, "practitioner": "S. Worker"}
        assert await posts(asker, "/v1/requests/wrong-person", **wrong) == (
            200,
            {"request_id": request_id},
        )
        _, box = await posts(asker, "/v1/inbox")
        assert (box["sent"][0]["state"], box["sent"][0]["card"]) == ("recalled", None)
        _, told = await posts(asker, "/v1/alerts")
        assert [alert["what"] for alert in told["alerts"]] == ["wrong_person"]
    finally:
        await holder.close()
        await asker.close()
