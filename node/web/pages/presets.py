"""What a new client gets who is added by hand: the services to choose from."""

from dataclasses import replace

from node.actions.clients import put_preset
from node.records.accounts import Role
from node.store.merges import Preset
from node.store.tables import NodeTables
from node.views.bases import presettable
from node.web.pages.desk import NodePage, NodeVisit
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
NAME, MOST_DAYS = 80, 3_660
HOME = "/administration/new-clients"


async def show(visit: NodeVisit) -> Answer:
    """Show what a new client can get, and ask for another."""
    types, bases = await visit.here.hubs.any().read(presettable)
    values = {"presets": await _presets(visit), "types": types, "bases": bases}
    return Shown("presets/list.html", values)


async def add(visit: NodeVisit) -> Answer:
    """Keep what a new client gets."""
    service = visit.here.hubs.any()
    types, bases = await service.read(presettable)
    kind = visit.form.one_of("type", types, "administration.wrong.type")
    basis = visit.form.one_of("basis", bases, "administration.wrong.basis")
    days = visit.form.text("days", missing="administration.wrong.days", most=5)
    if not days.isascii() or not days.isdigit() or not 0 < int(days) <= MOST_DAYS:
        raise InvalidForm({"days": "administration.wrong.days"})
    name = visit.form.text("called", most=NAME) or types[kind]
    await put_preset(service, Preset(name, kind, None, None, basis, int(days)))
    return Go(HOME)


async def show_change(visit: NodeVisit) -> Answer:
    """Ask how one is to be called, or whether it is to go."""
    preset = await _preset(visit)
    return Shown("presets/change.html", {"preset": preset}) if preset is not None else Go(HOME)


async def change(visit: NodeVisit) -> Answer:
    """Call one otherwise, or take it away. Clients keep what they got by it."""
    preset = await _preset(visit)
    if preset is None:
        return Go(HOME)
    what = visit.form.raw("what")
    if not what:
        return await show_change(visit)
    visit.form.one_of("what", ("rename", "remove"), "administration.wrong.what")
    name = visit.form.text("called", most=NAME) if what == "rename" else ""
    if what == "rename" and not name:
        raise InvalidForm({"called": "administration.wrong.called"})
    if any(one.name == name != preset.name for one in await _presets(visit)):
        raise InvalidForm({"called": "administration.wrong.called_taken"})

    def work(tables: NodeTables) -> None:
        known = tables.merges.drop_preset(preset.name)
        if known and name:
            tables.merges.put_preset(replace(preset, name=name))

    await visit.here.engine.write(work)
    return Go(HOME)


async def _presets(visit: NodeVisit) -> list[Preset]:
    return await visit.here.read(lambda tables: tables.merges.presets())


async def _preset(visit: NodeVisit) -> Preset | None:
    """The one that a form names; None: it names none, or that is not here any more."""
    name = visit.form.raw("preset")
    return next((one for one in await _presets(visit) if one.name == name), None)


PAGES = [
    NodePage(
        HOME, ADMINISTRATOR, show, add, nav="administration.presets.nav", room="/administration"
    ),
    NodePage(f"{HOME}/change", ADMINISTRATOR, show_change, change),
]
