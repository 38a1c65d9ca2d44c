"""What an agency may not see changes nothing that it gets: two federations, told apart by nobody.

Each scenario is played twice, with a record that one side of a link must not see and without it.
The mail of that side is then the same (number, size, place in the log and content, but for ids that
the hub draws), and so are its screens, the states of its links and the leaves of the log. Specs:
04-matching.md §7.8.
"""

import io
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hub.matching.explain import links_in_short
from hub.store.mailboxes import Mail, Mailboxes
from node.actions.attention import raise_attention
from node.actions.records import withdraw_now
from node.cli.inbox import print_inbox
from node.cli.printing import print_queue, print_team
from node.requests.attention import Alert
from node.store.attention import RaisedState
from node.views.inbox import inbox_value
from node.views.review import queue_value
from protocol.log.leaf import parse_leaf
from protocol.matchkeys.records import ClientRecord
from protocol.messages.statement import parse_statement
from tests.sim.crowd import crowd
from tests.sim.federation import DUTY, SimFederation, SimNode, row, simulated
from tests.sim.test_attention import BUDGET, junk, publish
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_daily_statements import days
from tests.sim.test_rivals import NAMESAKE, OURS
from tests.sim.test_support import AT_CARE, AT_HEALTH, AT_SCHOOL

SPARSE = ClientRecord(None, "Kiran", None, "Sharma", "1966-06-22", None, "67 Day Lane", None)
STRANGER = ClientRecord(None, "Ruth", None, "Okafor", "1991-07-09", "F", "9 Oak St", "LX1 1AA")
TOWN = [item.record for item in crowd(16)]
PEOPLE, OTHERS = TOWN[:8], TOWN[8:]
DRAWN = re.compile(r"[0-9a-f]{32,64}")
REFERENCE = re.compile(
    r"^│ [0-9A-Z]{4,8} +│"
)  # by which a row of a team is asked; it comes from ids

HINT = re.compile(r"(introduce \S+) [0-9A-F]+")
"""By which a service is asked for; it comes from an id."""

Story = Callable[[SimFederation, bool], Awaitable[Sequence[SimNode]]]
"""Plays a scenario, with the record or without; who is to notice nothing."""


@dataclass(frozen=True)
class Seen:
    """All that one agency ever got, and what its people read in the end."""

    mail: Sequence[tuple[int, int | None, int, str, str]]
    screens: Sequence[str]


class Recorder:
    """Takes down what the hub delivers, by agency."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mail: defaultdict[str, list[Mail]] = defaultdict(list)
        deliver = Mailboxes.deliver

        def recorded(mailboxes: Mailboxes, agency: str, cursor: int, limit: int) -> list[Mail]:
            found = deliver(mailboxes, agency, cursor, limit)
            self.mail[agency] += found
            return found

        monkeypatch.setattr(Mailboxes, "deliver", recorded)

    async def seen_by(self, node: SimNode) -> Seen:
        """What an agency has seen, with ids that the hub drew numbered as they first came."""
        drawn = _Drawn()
        mail = [
            (item.seq, item.index, len(item.envelope), *drawn.content(item.envelope))
            for item in self.mail[node.party_id]
        ]
        return Seen(mail, await _screens(node))


class _Drawn:
    """Names for ids, hashes and nonces: equal where they were equal."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def content(self, envelope: bytes) -> tuple[str, str]:
        """Kind and body. The hub sorts links by an id that it drew: here they are by our stub."""
        statement = parse_statement(envelope)
        body = statement.body.model_dump(mode="json")
        if "hints" in body:
            body["hints"].sort(key=lambda hint: (hint["stub_id"], hint["says"]))
        if "links" in body:
            body["links"].sort(key=lambda link: (link["stub_id"], _undrawn(link)))
        said = json.dumps(body, sort_keys=True)
        return statement.preamble.kind, DRAWN.sub(lambda found: self._name(found.group()), said)

    def _name(self, value: str) -> str:
        return self._names.setdefault(value, f"<{len(self._names)}>")


def _undrawn(link: dict[str, Any]) -> str:
    return json.dumps({**link, "link_id": None, "question": None}, sort_keys=True)


async def _screens(node: SimNode) -> list[str]:
    """Everything that its people can read of links: each client's team, the queue and the inbox.
    The lines of one are sorted: they come by ids.
    """
    shown = []
    clients = await node.read(lambda tables: tables.tx.rows("SELECT local_id FROM client"))
    for local_id in sorted(item["local_id"] for item in clients):
        team = await node.team(local_id)
        shown += _printed(partial(print_team, local_id=local_id, team=team))
    queue = await node.read(lambda tables: queue_value(tables, node.membership))
    inbox = await node.read(lambda tables: inbox_value(tables, node.membership))
    shown += _printed(partial(print_inbox, value=inbox))
    return [*shown, *_printed(partial(print_queue, value=queue))]


def _printed(show: Callable[[Console], None]) -> list[str]:
    text = io.StringIO()
    show(Console(file=text, width=200, soft_wrap=True))
    lines = (DRAWN.sub("ID", line) for line in text.getvalue().splitlines())
    lines = (HINT.sub(r"\1 REF", line) for line in lines)
    return sorted(REFERENCE.sub("│ REF  │", line) for line in lines)


async def leaves(federation: SimFederation) -> list[tuple[str, bytes, int]]:
    """What anybody sees of the log, and what each leaf is: its kind in the log, and its size."""
    raw = await federation.hub_read(lambda tables: tables.log.leaves(0, 100_000))
    kinds = await federation.hub_read(
        lambda tables: tables.tx.rows("SELECT kind FROM entry ORDER BY idx")
    )
    return [
        (item["kind"], parse_leaf(leaf).kind.value, len(leaf))
        for item, leaf in zip(kinds, raw, strict=True)
    ]


async def federation_with(federation: SimFederation, **members: str) -> dict[str, SimNode]:
    """Members by name and class."""
    return {name: await federation.join(name, kind) for name, kind in members.items()}


async def sensitive_third(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """Two automatic links to a record of a drug service would make a possible pair a match."""
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", clinic="charity"
    )
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", AT_CARE, "child_in_need", DUTY))
    await by["clinic"].take_in(row("x1", STRANGER, "youth_work", DUTY))
    for node in by.values():
        await node.publish()
    await federation.round()
    await by["clinic"].take_in(
        row("x1", STRANGER, "youth_work", replace(DUTY, valid_until=DUTY.valid_until.replace(2031)))
    )
    if there:
        await by["clinic"].take_in(row("x2", AT_SCHOOL, "drug_and_alcohol", DUTY))
    await by["clinic"].publish()
    return [by["health"], by["care"]]


async def third_for_one_class(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """The third record is the police's, which social care may see and health visiting may not."""
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", police="police"
    )
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", AT_CARE, "child_in_need", DUTY))
    for name in ("health", "care"):
        await by[name].publish()
    await federation.round()
    who = AT_SCHOOL if there else STRANGER
    await by["police"].take_in(row("x1", who, "police_contact", DUTY))
    await by["police"].publish()
    return [by["health"]]


async def third_that_becomes_sensitive(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """It supported the pair while it was open; from then on it is as if it had gone."""
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", clinic="charity"
    )
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", AT_CARE, "child_in_need", DUTY))
    await by["clinic"].take_in(row("x1", AT_SCHOOL, "youth_work", DUTY))
    for node in by.values():
        await node.publish()
    await federation.round()
    kind = "drug_and_alcohol" if there else "youth_work"
    permission = DUTY if there else None
    await by["clinic"].take_in(row("x1", AT_SCHOOL, kind, permission))
    await by["clinic"].write(
        lambda tables: tables.tx.run("UPDATE involvement SET ended_at = 1 WHERE type <> ?", kind)
    )
    await by["clinic"].publish()
    return [by["health"], by["care"]]


async def rival_of_a_support(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """Social care's second, sensitive record would speak against the support of its first."""
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", school="school"
    )
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", AT_CARE, "child_in_need", DUTY))
    await by["school"].take_in(row("s1", AT_SCHOOL, "youth_work", DUTY))
    if there:
        await by["care"].take_in(row("c2", AT_CARE, "drug_and_alcohol", DUTY))
    for node in by.values():
        await node.publish()
    return [by["health"], by["school"]]


async def rival_behind_a_support(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """The school's second record, which health visiting may see and social care may not, fits
    health visiting's better: that takes the support from the pair that social care sees.
    """
    by = await federation_with(
        federation, health="health_provider", care="housing", school="adult_social_care"
    )
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", AT_CARE, "housing_tenancy", DUTY))
    await by["school"].take_in(row("s1", AT_SCHOOL, "early_help", DUTY))
    for node in by.values():
        await node.publish()
    await federation.round()
    if there:
        await by["school"].take_in(row("s2", AT_HEALTH, "adult_social_work", DUTY))
    else:
        await by["school"].take_in(row("s2", STRANGER, "adult_social_work", DUTY))
    await by["school"].publish()
    return [by["care"]]


async def better_copy(federation: SimFederation, there: bool, kind: str) -> Sequence[SimNode]:
    """Adult care has a man twice; housing may not see the record that fits better."""
    by = await federation_with(federation, housing="housing", adults="adult_social_care")
    await by["housing"].take_in(row("t1", OURS, "housing_tenancy", DUTY))
    await by["adults"].take_in(row("a1", SPARSE, "early_help", DUTY))
    await by["adults"].take_in(row("a2", OURS if there else STRANGER, kind, DUTY))
    for node in by.values():
        await node.publish()
    return [by["housing"]]


async def sensitive_rival(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    return await better_copy(federation, there, "talking_therapies")


async def rival_for_other_classes(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    return await better_copy(federation, there, "adult_social_work")


async def questions(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """Pairs that health visiting is not shown are none that it is asked about."""
    by = await federation_with(federation, health="health_provider", clinic="charity")
    await amend(federation, {"quotas": {"identity_checks_per_day": BUDGET}})
    await follow(*by.values())
    await publish(by["health"], "h", PEOPLE, "health_visiting")
    await federation.round()
    await publish(by["clinic"], "open", [junk(person) for person in PEOPLE[:BUDGET]], "youth_work")
    hidden = [junk(person) for person in (PEOPLE if there else OTHERS)[BUDGET:]]
    await publish(by["clinic"], "hidden", hidden, "drug_and_alcohol")
    return [by["health"]]


async def matches_that_make_room(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """Matches that health visiting is not shown do not raise the budget of what it is asked."""
    by = await federation_with(federation, health="health_provider", clinic="charity")
    await amend(federation, {"quotas": {"identity_checks_per_day": BUDGET}})
    await follow(*by.values())
    await publish(by["health"], "h", PEOPLE, "health_visiting")
    await federation.round()
    maybe = [junk(person) for person in PEOPLE[: BUDGET + 2]]
    await publish(by["clinic"], "open", maybe, "youth_work")
    hidden = (PEOPLE if there else OTHERS)[BUDGET + 2 :]
    await publish(by["clinic"], "hidden", hidden, "drug_and_alcohol")
    return [by["health"]]


async def one_holder_too_many(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """A token that three records hold counts for nothing here; the third may not be seen."""
    policy = {**(await federation.charter()).policy.to_json(), "stop_token_records": 2}
    await amend(federation, {"match_policy": policy})
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", clinic="charity"
    )
    await by["clinic"].take_in(
        row("x1", NAMESAKE if there else STRANGER, "talking_therapies", DUTY)
    )
    await by["clinic"].publish()
    await by["health"].take_in(row("h1", NAMESAKE, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", OURS, "child_in_need", DUTY))
    for name in ("health", "care"):
        await by[name].publish()
    return [by["health"], by["care"]]


async def sensitive_beside_open(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """A youth worker begins drug work with a young person, and ends it: one stub, two works."""
    by = await federation_with(federation, health="health_provider", clinic="charity")
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["clinic"].take_in(row("x1", AT_HEALTH, "youth_work", DUTY))
    for node in by.values():
        await node.publish()
    await federation.round()
    kind = "drug_and_alcohol" if there else "youth_work"
    for year in (2031, 2032):
        until = replace(DUTY, valid_until=DUTY.valid_until.replace(year))
        await by["clinic"].take_in(row("x1", AT_HEALTH, kind, until))
        await by["clinic"].publish()
        await federation.round()
    if there:
        await by["clinic"].write(
            lambda tables: tables.tx.run("UPDATE involvement SET ended_at = 1 WHERE type = ?", kind)
        )
    else:
        await by["clinic"].take_in(row("x1", AT_HEALTH, kind, DUTY))
    await by["clinic"].publish()
    return [by["health"]]


async def agreed_elsewhere(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """Adult mental health and a drug service meet, as a woman agreed with both; or she agreed with
    both to something else. Her child's social worker is told nothing.
    """
    by = await two_services(federation)
    await by["trust"].agree("m1", classes=["charity" if there else "housing"])
    await by["clinic"].agree("x1", classes=["health_provider" if there else "housing"])
    await federation.round()
    await withdraw_now(by["clinic"].service, "x1", 1)
    return [by["care"]]


async def agreed_on_one_side(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """She agreed at the trust and not at the drug service: neither learns of the other."""
    by = await two_services(federation)
    await by["trust"].agree("m1", classes=["charity" if there else "housing"])
    await by["clinic"].agree("x1", classes=["school"])
    return [by["clinic"], by["care"]]


async def nobody_agreed_there(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """She agreed at the trust; that the drug service has her at all does not show."""
    by = await two_services(federation, AT_HEALTH if there else STRANGER)
    await by["trust"].agree("m1", classes=["charity"])
    await by["clinic"].agree("x1", classes=["school"])
    return [by["trust"]]


async def two_services(
    federation: SimFederation, at_clinic: ClientRecord = AT_HEALTH
) -> dict[str, SimNode]:
    """Two sensitive services, and one that is not."""
    by = await federation_with(
        federation, trust="health_provider", clinic="charity", care="childrens_social_care"
    )
    await by["trust"].take_in(row("m1", AT_HEALTH, "adult_mental_health", None))
    await by["clinic"].take_in(row("x1", at_clinic, "drug_and_alcohol", None))
    await by["care"].take_in(row("c1", AT_HEALTH, "child_in_need", DUTY))
    for node in by.values():
        await node.publish()
    await federation.round()
    return by


async def open_work_beside(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """The trust sees a charity's youth worker, and is told of a drug service: that it is the same
    charity, or another one, does not show; nor when the drug service's consent is withdrawn.
    """
    by = await federation_with(
        federation, trust="health_provider", charity="charity", other="charity"
    )
    await by["trust"].take_in(
        row("m1", AT_HEALTH, "community_nursing", DUTY),
        row("m1", AT_HEALTH, "adult_mental_health", None),
    )
    await by["charity"].take_in(row("y1", AT_HEALTH, "youth_work", DUTY))
    works, idles = ("charity", "other") if there else ("other", "charity")
    names = {"charity": "y1" if there else "y2", "other": "x1"}
    for name, record in ((works, AT_HEALTH), (idles, STRANGER)):
        await by[name].take_in(row(names[name], record, "drug_and_alcohol", None))
    for node in by.values():
        await node.publish()
    await federation.round()
    await by["trust"].agree("m1", classes=["charity"])
    for name in (works, idles):
        await by[name].agree(names[name], classes=["health_provider"])
    await federation.round()
    assert len((await by["trust"].team("m1")).services) == 1
    await withdraw_now(by[works].service, names[works], 1, 2 if there else 1)
    await withdraw_now(by[idles].service, names[idles], 1)
    await federation.settle()
    team = await by["trust"].team("m1")
    assert (len(team.services), len(team.others)) == (0, 1)
    return [by["trust"]]


async def attention(federation: SimFederation, there: bool) -> Sequence[SimNode]:
    """Health visiting raises attention about a child whom social care has too, and about one whom
    nobody has whom it is shown; a drug service has both.
    """
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", clinic="charity"
    )
    await by["health"].take_in(
        row("h1", AT_HEALTH, "health_visiting", DUTY), row("h2", OURS, "health_visiting", DUTY)
    )
    await by["care"].take_in(row("c1", AT_HEALTH, "child_in_need", DUTY))
    hidden = (AT_HEALTH, OURS) if there else (STRANGER, TOWN[0])
    await by["clinic"].take_in(
        *(row(f"x{n}", one, "drug_and_alcohol", DUTY) for n, one in enumerate(hidden))
    )
    for node in by.values():
        await node.publish()
    await federation.round()
    for client in ("h1", "h2"):
        alert = Alert(client, 1, "health_visitor", "moved_home")
        state = await raise_attention(by["health"].service, alert, though_nobody_shown=True)
        assert state is RaisedState.SENT
    await days(federation)
    told = await by["clinic"].read(lambda tables: tables.count("received_attention"))
    assert told == (2 if there else 0)
    return [by["health"], by["care"]]


STORIES: list[Story] = [
    sensitive_third, third_for_one_class, third_that_becomes_sensitive, rival_of_a_support,
    rival_behind_a_support, sensitive_rival, rival_for_other_classes, questions,
    matches_that_make_room, one_holder_too_many, sensitive_beside_open, agreed_elsewhere,
    agreed_on_one_side, nobody_agreed_there, open_work_beside, attention,
]  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
async def test_with_and_without_it_an_agency_gets_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, story: Story
) -> None:
    told: list[list[Seen]] = []
    logs = []
    for there in (True, False):
        recorder, folder = Recorder(monkeypatch), tmp_path / str(there)
        folder.mkdir()
        async with simulated(folder) as federation:
            others = await story(federation, there)
            for _ in range(3):
                await federation.round()
            told.append([await recorder.seen_by(node) for node in others])
            logs.append(await leaves(federation))
        monkeypatch.undo()
    for seen, unseen in zip(*told, strict=True):
        assert list(seen.screens) == list(unseen.screens)
        for one, other in itertools.zip_longest(seen.mail, unseen.mail):
            assert one == other
    assert any(seen.mail for seen in told[0]), "they do get mail"
    assert logs[0] == logs[1], "nor does the log show anybody more than a publication"


@pytest.mark.parametrize("there", [True, False])
async def test_who_may_see_the_third_record_has_it_support_the_pair(
    federation: SimFederation, there: bool
) -> None:
    """The other side of it: what both may see counts as ever."""
    kind = "youth_work" if there else "drug_and_alcohol"
    by = await federation_with(
        federation, health="health_provider", care="childrens_social_care", clinic="charity"
    )
    await by["health"].take_in(row("h1", AT_HEALTH, "health_visiting", DUTY))
    await by["care"].take_in(row("c1", AT_CARE, "child_in_need", DUTY))
    await by["clinic"].take_in(row("x1", AT_SCHOOL, kind, DUTY))
    for node in by.values():
        await node.publish()
    await federation.round()
    listed = await federation.hub_read(links_in_short)
    supported = [line for line in listed if "third record" in line]
    assert len(supported) == int(there)
