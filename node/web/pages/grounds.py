"""Why somebody asks, question by question: purpose first, the law that follows, what it demands.

Pure. Asking for contact details and asking to be introduced have the same questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from aiohttp import web

from node.actions.asking import Grounds
from node.views.bases import Offered
from protocol.governance.charter import FactRule, LawfulBasis
from protocol.requests.sealing import FACT_LIMIT
from web.forms import Form, InvalidForm
from web.site import Shown

PURPOSE, BASIS, ROLE, FACT, CHECK = "purpose", "basis", "role", "fact", "check"


@dataclass(frozen=True)
class Questions:
    """What there is to choose from, and what was answered so far; empty: not yet."""

    offered: Offered
    roles: Sequence[str]
    purpose: str = ""
    chosen_basis: str = ""
    role: str = ""
    facts: Mapping[str, str] | None = None

    @property
    def bases(self) -> list[LawfulBasis]:
        """The lawful bases that go with the purpose."""
        return self.offered.for_purpose(self.purpose)

    @property
    def basis(self) -> LawfulBasis | None:
        """The lawful basis that was chosen, or that follows from the purpose."""
        return next((one for one in self.bases if one.code == self.chosen_basis), None)

    @property
    def typed(self) -> list[FactRule]:
        """What somebody has to write down for the basis; what a record says nobody types."""
        return [rule for rule in self.basis.asked if not rule.record] if self.basis else []

    @property
    def answered(self) -> dict[str, str]:
        """The facts so far, by field."""
        return dict(self.facts or {})

    @property
    def grounds(self) -> Grounds:
        """As a request takes them."""
        return Grounds(self.purpose, self.chosen_basis, self.answered)

    @property
    def steps(self) -> dict[str, bool]:
        """The questions in their order as far as they are known, each with whether it is answered;
        what follows by itself is no question.
        """
        found = {PURPOSE: self.purpose in self.offered.usable()}
        if len(self.bases) != 1:
            found[BASIS] = self.basis is not None
        if len(self.roles) != 1:
            found[ROLE] = self.role in self.roles
        for number, rule in enumerate(self.typed, 1):
            found[f"{FACT}-{number}"] = bool(self.answered.get(rule.field))
        return found

    def next_step(self) -> str:
        """The first question without an answer, or the last page."""
        return next((step for step, answered in self.steps.items() if not answered), CHECK)

    def before(self, step: str) -> str:
        """The question before another one, or before the last page; empty before the first."""
        steps = ["", *self.steps, CHECK]
        return steps[max(0, steps.index(step) - 1)] if step in steps else ""

    def rule(self, step: str) -> FactRule:
        """The fact that a step asks for. Raises HTTPNotFound."""
        for number, rule in enumerate(self.typed, 1):
            if step == f"{FACT}-{number}":
                return rule
        raise web.HTTPNotFound

    def settled(self) -> "Questions":
        """With what follows by itself: the only basis, the only role."""
        bases, basis, role = [one.code for one in self.bases], self.chosen_basis, self.role
        if basis not in bases:
            basis = bases[0] if len(bases) == 1 else ""
        if role not in self.roles:
            role = self.roles[0] if len(self.roles) == 1 else ""
        facts = self.answered if basis == self.chosen_basis else {}
        return replace(self, chosen_basis=basis, role=role, facts=facts)

    def answer(self, step: str, form: Form) -> "Questions":
        """With the answer to one question, as a form has it. Raises InvalidForm, HTTPNotFound."""
        if step == PURPOSE:
            said = form.one_of(PURPOSE, self.offered.usable(), "asking.wrong.purpose")
            return replace(self, purpose=said).settled()
        if step == BASIS:
            said = form.one_of(BASIS, [one.code for one in self.bases], "asking.wrong.basis")
            facts = self.answered if said == self.chosen_basis else {}
            return replace(self, chosen_basis=said, facts=facts).settled()
        if step == ROLE:
            return replace(self, role=form.one_of(ROLE, self.roles, "asking.wrong.role"))
        rule = self.rule(step)
        return replace(self, facts={**self.answered, rule.field: _fact(form, rule)})

    def page(self, step: str, common: Mapping[str, Any]) -> Shown:
        """The page of one question. Raises HTTPNotFound."""
        if step == PURPOSE:
            values = {"purposes": self.offered.usable(), "value": self.purpose}
            return Shown("asking/purpose.html", {**common, **values})
        if step == BASIS:
            return Shown(
                "asking/basis.html", {**common, "bases": self.bases, "value": self.chosen_basis}
            )
        if step == ROLE:
            roles = [(code, in_words(code)) for code in self.roles]
            return Shown("asking/role.html", {**common, "roles": roles, "value": self.role})
        rule = self.rule(step)
        value = self.answered.get(rule.field, "")
        return Shown("asking/fact.html", {**common, "rule": rule, "value": value})

    def summary(self) -> dict[str, Any]:
        """What the last page shows of the answers."""
        rules = self.basis.must_record if self.basis else []
        return {
            "purpose": self.offered.purposes[self.purpose],
            "basis": self.basis,
            "role": in_words(self.role),
            "one_role": len(self.roles) == 1,
            "one_basis": len(self.bases) == 1,
            "facts": [
                (number, rule.title, self.answered[rule.field], rule.type)
                for number, rule in enumerate(self.typed, 1)
            ],
            "recorded": [rule.title for rule in rules if rule.record],
            "theirs": [rule.title for rule in rules if rule.side == "holder"],
        }


def kept_along(said: Questions) -> dict[str, str]:
    """What a page carries unseen to the next one, where there is no draft."""
    kept = {
        f"kept-{PURPOSE}": said.purpose,
        f"kept-{BASIS}": said.chosen_basis,
        f"kept-{ROLE}": said.role,
    }
    return kept | {f"kept-{field}": value for field, value in said.answered.items()}


def carried(empty: Questions, form: Form) -> Questions:
    """With what pages before have carried along, as far as it is an answer."""
    found = replace(
        empty,
        purpose=form.raw(f"kept-{PURPOSE}"),
        chosen_basis=form.raw(f"kept-{BASIS}"),
        role=form.raw(f"kept-{ROLE}"),
    )
    facts = {rule.field: kept_fact(form, f"kept-{rule.field}", rule) for rule in found.typed}
    return replace(found, facts=facts).settled()


def in_words(code: str) -> str:
    """A code of the charter's as people read it: Social worker."""
    return code.replace("_", " ").capitalize()


def _fact(form: Form, rule: FactRule) -> str:
    if rule.type == "enum":
        return form.one_of(FACT, rule.choices, "asking.wrong.fact_choice")
    if rule.type == "date":
        day = form.day(FACT, "asking.wrong.fact_day", "asking.wrong.fact_day")
        return day.isoformat() if day is not None else ""
    return form.text(FACT, missing="asking.wrong.fact_text", most=FACT_LIMIT)


def kept_fact(form: Form, name: str, rule: FactRule) -> str:
    """A fact that a page carries along, where it is one that its question would take; else empty:
    what was changed on the way is asked again.
    """
    try:
        value = form.text(name, most=FACT_LIMIT)
        if rule.type == "date" and value:
            value = date.fromisoformat(value).isoformat()
    except (InvalidForm, ValueError):
        return ""
    return value if rule.type != "enum" or value in rule.choices else ""
