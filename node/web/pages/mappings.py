"""The mappings by which files are imported: what there is, what each says, another name for one,
and taking one away.
"""

from collections.abc import Mapping

from node.records.accounts import Role
from node.records.importer.mapping import load_mapping
from node.records.mappings import rename
from node.store.uploads import SavedMapping
from node.views.bases import presettable
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError, PatchworkError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
HOME = "/administration/mappings"


async def show(visit: NodeVisit) -> Answer:
    """Show which mappings were kept."""
    return Shown("mappings/list.html", {"mappings": await _mappings(visit)})


async def show_one(visit: NodeVisit) -> Answer:
    """Show what one says, and ask whether it is to go."""
    found = await _mapping(visit)
    if found is None:
        return Go(HOME)
    _, bases = await visit.here.hubs.any().read(presettable)
    values = {"mapping": found, "columns": columns_of(found), "bases": bases}
    return Shown("mappings/one.html", values)


async def change(visit: NodeVisit) -> Answer:
    """Take one away, or call it otherwise. What was imported by it stays."""
    found, what = await _mapping(visit), visit.form.raw("what")
    if found is None:
        return Go(HOME)
    if what == "remove":
        await visit.here.engine.write(lambda tables: tables.uploads.drop_mapping(found.name))
    elif what == "rename":
        await _rename(visit, found)
    else:
        return await show_one(visit)
    return Go(HOME)


async def _rename(visit: NodeVisit, saved: SavedMapping) -> None:
    name = visit.form.text("name", missing="importing.wrong.title")
    try:
        await visit.here.engine.write(lambda tables: rename(tables, saved, name))
    except LocalError as error:
        keys = {
            ErrorCode.MALFORMED: "importing.wrong.name",
            ErrorCode.CONFLICT: "importing.wrong.name_taken",
            ErrorCode.NOT_READY: "importing.wrong.waits",
        }
        if error.code not in keys:
            raise
        raise InvalidForm({"name": keys[error.code]}) from None


def columns_of(saved: SavedMapping) -> Mapping[str, str] | None:
    """Which column (or always the same text) is which field; None: it cannot be read any more."""
    try:
        sources = load_mapping(saved.mapping).sources.items()
    except PatchworkError:
        return None
    return {name.value: source.column or source.fixed or "" for name, source in sources}


async def _mappings(visit: NodeVisit) -> list[SavedMapping]:
    return await visit.here.read(lambda tables: tables.uploads.mappings())


async def _mapping(visit: NodeVisit) -> SavedMapping | None:
    """The one that a form names; None: it names none, or that is not here any more."""
    name = visit.form.raw("mapping")
    return next((one for one in await _mappings(visit) if one.name == name), None)


PAGES = [
    NodePage(HOME, ADMINISTRATOR, show, nav="importing.mappings.nav", room="/administration"),
    NodePage(f"{HOME}/one", ADMINISTRATOR, show_one, change),
]
