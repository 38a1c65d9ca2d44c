"""Recording what a client agrees to: one question a page, kept from the first answer on.

What is said to the client comes first; the facts that the sharing agreement asks of a consent come
from this record later, so that nobody types them from memory.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from aiohttp import web

from node.actions.consents import give_consent
from node.membership.hub import HubMembership
from node.records.accounts import STAFF
from node.records.agreements import LONGEST, NOW, Given
from node.store.consents import How
from node.store.objections import SaidBy
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.consents import Choices, choices, recipients
from node.web.pages.desk import NodePage, NodeVisit, told_later
from protocol.errors import ErrorCode, LocalError
from web.forms import Form, InvalidForm
from web.site import Answer, Go, Shown

WORK, BASIS, PURPOSES, CLASSES, WORDING = "work", "basis", "purposes", "classes", "wording"
GIVEN_BY, HOW, ON, UNTIL, EVIDENCE, CHECK = "given_by", "how", "on", "until", "evidence", "check"
JUST_NOW = "just_now"
"""Not a question: the day on which somebody said that it was given this minute."""
ALL, ANOTHER = "all", "another"
MONTHS = (3, 6, 12, 24)
WORDINGS = 8


@dataclass(frozen=True)
class Recording:
    """Whose consent, what it can say, the wordings that were used here, and the answers so far by
    question, lists with blanks between.
    """

    client: Client
    choices: Choices
    wordings: Sequence[str]
    said: Mapping[str, str]
    today: date
    recipients: Mapping[str, str]

    @property
    def basis(self) -> str:
        """The lawful basis: the one that there is, or the one that was chosen."""
        bases = list(self.choices.bases)
        return bases[0] if len(bases) == 1 else self.said.get(BASIS, "")

    @property
    def purposes(self) -> dict[str, str]:
        """The purposes that go with it, titles by code."""
        return self.choices.purposes.get(self.basis, {})

    @property
    def steps(self) -> dict[str, bool]:
        """The questions in their order, each with whether it has an answer that still fits; what
        follows by itself is no question.
        """
        said, works = self.said, self.choices.works
        found = {}
        if len(works) > 1:
            found[WORK] = said.get(WORK) in {ALL, *map(str, works)}
        if len(self.choices.bases) > 1:
            found[BASIS] = self.basis in self.choices.bases
        classes = said.get(CLASSES, "")
        return found | {
            PURPOSES: _are_among(said.get(PURPOSES, ""), self.purposes),
            CLASSES: classes == ALL or _are_among(classes, self.choices.classes),
            WORDING: bool(said.get(WORDING)),
            GIVEN_BY: said.get(GIVEN_BY) in set(SaidBy),
            HOW: said.get(HOW) in set(How),
            ON: ON in said,
            UNTIL: UNTIL in said and self.first_end <= date.fromisoformat(said[UNTIL]),
            EVIDENCE: EVIDENCE in said,
        }

    @property
    def given_on(self) -> date:
        """On which day it was given; before that is said, today."""
        return date.fromisoformat(self.said[ON]) if ON in self.said else self.today

    @property
    def first_end(self) -> date:
        """The first day on which it can end."""
        return max(self.today, self.given_on)

    @property
    def ends(self) -> dict[str, int]:
        """Last days to choose from, each with so many months after it was given."""
        days = {_after(self.given_on, months).isoformat(): months for months in MONTHS}
        return {day: months for day, months in days.items() if day > self.first_end.isoformat()}

    def next_step(self) -> str:
        """The first question without an answer, or the last page."""
        return next((step for step, answered in self.steps.items() if not answered), CHECK)

    def before(self, step: str) -> str:
        """The question before another one; empty before the first."""
        steps = ["", *self.steps, CHECK]
        return steps[max(0, steps.index(step) - 1)] if step in steps else ""

    def answer(self, step: str, form: Form) -> dict[str, str]:
        """All answers with one more, as a form has it. Raises InvalidForm, HTTPNotFound."""
        one_of: dict[str, tuple[Iterable[str], str]] = {
            WORK: ([ALL, *map(str, self.choices.works)], "consent.wrong.work"),
            BASIS: (self.choices.bases, "consent.wrong.basis"),
            GIVEN_BY: (SaidBy, "consent.wrong.given_by"),
            HOW: (How, "consent.wrong.how"),
        }
        more: dict[str, Callable[[Form], dict[str, str]]] = {
            PURPOSES: self._purposes,
            CLASSES: self._classes,
            WORDING: self._wording,
            ON: self._on,
            UNTIL: self._until,
            EVIDENCE: lambda form: {EVIDENCE: _line(form, EVIDENCE, "")},
        }
        if step in one_of:
            return {**self.said, step: form.one_of(step, *one_of[step])}
        if step not in more:
            raise web.HTTPNotFound
        return {**self.said, **more[step](form)}

    def given(self) -> Given:
        """As it is recorded."""
        said = self.said
        number = said.get(WORK, ALL)
        just_now = said.get(JUST_NOW) == said[ON] == self.today.isoformat()
        return Given(
            client=self.client.local_id,
            work=None if number == ALL else int(number),
            given_by=SaidBy(said[GIVEN_BY]),
            how=How(said[HOW]),
            on=NOW if just_now else said[ON],
            until=said[UNTIL],
            wording=said[WORDING],
            classes=() if said[CLASSES] == ALL else said[CLASSES].split(),
            purposes=said[PURPOSES].split(),
            evidence=said[EVIDENCE],
            basis=self.basis,
        )

    def _purposes(self, form: Form) -> dict[str, str]:
        return {PURPOSES: _ticked(form, PURPOSES, self.purposes, "consent.wrong.purposes")}

    def _classes(self, form: Form) -> dict[str, str]:
        known = {**self.choices.classes, ALL: ""}
        return {CLASSES: _ticked(form, CLASSES, known, "consent.wrong.classes")}

    def _wording(self, form: Form) -> dict[str, str]:
        """One that was used here before, or another that somebody types."""
        if not self.wordings:
            return {WORDING: _line(form, ANOTHER, "consent.wrong.wording")}
        said = form.one_of(WORDING, [*self.wordings, ANOTHER], "consent.wrong.wording")
        if said == ANOTHER:
            said = _line(form, ANOTHER, "consent.wrong.another")
        return {WORDING: said}

    def _on(self, form: Form) -> dict[str, str]:
        if form.one_of(ON, ("now", "earlier"), "consent.wrong.on") == "now":
            return {ON: self.today.isoformat(), JUST_NOW: self.today.isoformat()}
        day = form.day("day", "consent.wrong.day", "consent.wrong.no_day")
        if day is None or not self.today.year - 100 < day.year or day > self.today:
            raise InvalidForm({"day": "consent.wrong.to_come"})
        return {ON: day.isoformat(), JUST_NOW: ""}

    def _until(self, form: Form) -> dict[str, str]:
        said = form.one_of(UNTIL, [*self.ends, ANOTHER], "consent.wrong.until")
        if said != ANOTHER:
            return {UNTIL: said}
        day = form.day("day", "consent.wrong.day", "consent.wrong.no_day")
        if day is None or not self.first_end <= day <= _after(self.today, 12 * 50):
            raise InvalidForm({"day": "consent.wrong.over"})
        return {UNTIL: day.isoformat()}


def _are_among(text: str, known: Mapping[str, str]) -> bool:
    return bool(text) and set(text.split()) <= known.keys()


def _ticked(form: Form, name: str, known: Mapping[str, str], missing: str) -> str:
    codes = form.all(name)
    if not codes or not set(codes) <= known.keys():
        raise InvalidForm({name: missing})
    return ALL if ALL in codes else " ".join(code for code in known if code in codes)


def _line(form: Form, name: str, missing: str) -> str:
    """One line of text. Raises InvalidForm."""
    text = form.text(name, missing=missing, most=LONGEST)
    if not text.isprintable():
        raise InvalidForm({name: "site.wrong.characters"})
    return text


def _after(day: date, months: int) -> date:
    """So many months later, on the last day of a month that is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in range(day.day, 27, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    return date(year, month + 1, day.day)


async def _recording(visit: NodeVisit) -> Recording:
    """What is recorded, as far as whoever looks has come."""
    here = visit.here
    client = await here.client(visit.number("client"))
    today = datetime.fromtimestamp(here.now, UTC).date()  # as the record reckons days
    view = partial(_read, client=client, person=here.person.id, today=today)
    return await here.hubs.any().read(view)


def _read(
    tables: NodeTables, membership: HubMembership, client: Client, person: int, today: date
) -> Recording:
    offered = choices(tables, membership, client.local_id)
    said = tables.consent_drafts.get(client.id, person) or {}
    works, types = tables.records.involvements([client.id]), membership.agreement.types
    number = said.get(WORK, ALL)
    chosen = [one for one in offered.works if number in {ALL, str(one)}]
    named = said.get(CLASSES, ALL)
    classes = () if named == ALL else named.split()
    told = [recipients(membership, types.get(works[one - 1].type), classes) for one in chosen]
    titles = {code: title for one in told for code, title in one.items()}
    wordings = tables.consents.wordings(WORDINGS)
    return Recording(client, offered, wordings, said, today, titles)


async def go_on(visit: NodeVisit) -> Answer:
    """Lead to the first question that has no answer yet."""
    recording = await _recording(visit)
    if not recording.choices.works or not recording.choices.bases:
        return Shown("consent/cannot.html", _common(recording, ""))
    return Go(f"/clients/{recording.client.id}/consent/new/{recording.next_step()}")


async def drop(visit: NodeVisit) -> Answer:
    """Delete what somebody began."""
    client, person = await visit.here.client(visit.number("client")), visit.here.person.id
    await visit.here.engine.write(lambda tables: tables.consent_drafts.drop(client.id, person))
    return Go(f"/clients/{client.id}/consent")


async def show_step(visit: NodeVisit) -> Answer:
    """Show one question, or everything once more before it is recorded."""
    recording, step = await _recording(visit), visit.place["step"]
    if not recording.choices.works or not recording.choices.bases:
        return Go(f"/clients/{recording.client.id}/consent/new")
    if step != CHECK and step not in recording.steps:
        raise web.HTTPNotFound
    if step == CHECK and recording.next_step() != CHECK:
        return Go(f"/clients/{recording.client.id}/consent/new/{recording.next_step()}")
    template = "consent/check.html" if step == CHECK else "consent/question.html"
    return Shown(template, _common(recording, step))


async def answer_step(visit: NodeVisit) -> Answer:
    """Keep one answer, and go on to the next question; or record it all."""
    recording, step = await _recording(visit), visit.place["step"]
    base = f"/clients/{recording.client.id}/consent/new"
    if step == CHECK:
        return await _record(visit, recording)
    if step not in recording.steps:
        raise web.HTTPNotFound
    said, person = recording.answer(step, visit.form), visit.here.person.id
    client, now = recording.client.id, visit.here.now
    await visit.here.engine.write(lambda t: t.consent_drafts.keep(client, person, said, now))
    return Go(base)


async def _record(visit: NodeVisit, recording: Recording) -> Answer:
    """Record it, tell the hubs, and lead to the receipt."""
    client, person = recording.client, visit.here.person.id
    if recording.next_step() != CHECK:
        return Go(f"/clients/{client.id}/consent/new")
    service = visit.here.hubs.any()
    try:
        await told_later(give_consent(service, recording.given(), person))
    except LocalError as error:
        if error.code is not ErrorCode.CONFLICT:
            raise
        held = await visit.here.read(lambda tables: tables.held.of(client.id)) is not None
        key = "consent.wrong.held" if held else "consent.wrong.withdrawn"
        raise InvalidForm({"": key}) from None
    await visit.here.engine.write(lambda tables: tables.consent_drafts.drop(client.id, person))
    return Go(f"/clients/{client.id}/consent?recorded")


def _common(recording: Recording, step: str) -> dict[str, Any]:
    """What every page of these shows."""
    base, before = f"/clients/{recording.client.id}/consent", recording.before(step)
    return {
        "client": recording.client,
        "step": step,
        "base": f"{base}/new",
        "back_to": f"{base}/new/{before}" if before else base,
        "said": recording.said,
        "recording": recording,
        "given_by": [one.value for one in SaidBy],
        "how": [one.value for one in How],
    }


PAGES = [
    NodePage("/clients/{client}/consent/new", STAFF, go_on, drop),
    NodePage("/clients/{client}/consent/new/{step}", STAFF, show_step, answer_step),
]
