"""Which requests are answered by rule: chosen, looked at once more, and kept."""

from functools import partial
from typing import Any

from node.records.accounts import Role
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from node.views.rules import rules_value
from node.web.pages.desk import NodePage, NodeVisit
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
HOME = "/administration/rules"


async def show(visit: NodeVisit) -> Answer:
    """Show who is answered by rule on which lawful basis."""
    return Shown("agency/rules.html", {"rules": await _rules(visit)})


async def check(visit: NodeVisit) -> Answer:
    """Show what changes."""
    changed, ticked = await _changed(visit), visit.form.all("rule")
    if not changed:
        return Go("/administration/agency")
    return Shown("agency/rules_check.html", {"changed": changed, "ticked": ticked})


async def show_check(visit: NodeVisit) -> Answer:
    """Whoever comes here without having chosen anything begins at the beginning."""
    return await show(visit) if visit.form else Go(HOME)


async def save(visit: NodeVisit) -> Answer:
    """Keep it."""
    changed, me, now = await _changed(visit), visit.here.person.id, visit.here.now

    def work(tables: NodeTables) -> None:
        for one in changed:
            rule, basis, code = "allow" if one["now"] else "ask", one["basis"], one["code"]
            tables.answer_rules.put(basis, code, "allow" if one["now"] else "ask")
            tables.people.acted(Act(me, Deed.CHANGED_RULE, f"{basis}, {code}: {rule}", now))

    await visit.here.engine.write(work)
    return Go("/administration/agency")


async def _rules(visit: NodeVisit) -> list[dict[str, Any]]:
    """Those of all hubs; what two of them have in common is shown once."""
    view = partial(rules_value, settings=visit.here.settings)
    found: dict[str, dict[str, Any]] = {}
    for service in visit.here.services:
        for rule in await service.oversee(view):
            known = found.setdefault(rule["basis"], {**rule, "classes": []})
            codes = {one["code"] for one in known["classes"]}
            known["classes"] += [one for one in rule["classes"] if one["code"] not in codes]
    for rule in found.values():
        for one in rule["classes"]:
            one["value"] = f"{one['code']} {rule['basis']}"
    return list(found.values())


async def _changed(visit: NodeVisit) -> list[dict[str, Any]]:
    """What a form says otherwise than it is. Raises InvalidForm for what is not there to choose."""
    rules, ticked = await _rules(visit), set(visit.form.all("rule"))
    free = [
        {**one, "basis": rule["basis"], "basis_title": rule["title"], "now": one["value"] in ticked}
        for rule in rules
        for one in rule["classes"]
        if not one["is_fixed"]
    ]
    if not ticked <= {one["value"] for one in free}:
        raise InvalidForm({"": "agency.wrong.rule"})
    return [one for one in free if one["now"] != one["allows"]]


PAGES = [
    NodePage(HOME, ADMINISTRATOR, show, check, nav="agency.rules.nav", room="/administration"),
    NodePage(f"{HOME}/check", ADMINISTRATOR, show_check, save, again=True),
]
