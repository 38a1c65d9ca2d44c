"""Which column of a file is what: a mapping that somebody confirmed before, or one made here, of
the columns, then of the codes in them.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from node.records.importer.dates import Order
from node.records.importer.mapping import (
    DATES,
    MAX_DAYS,
    STATUSES,
    ColumnMapping,
    Field,
    Source,
    dump_mapping,
    guess_mapping,
    load_mapping,
)
from node.store.uploads import SavedMapping, Upload, UploadState
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.importing import IMPORTERS, mine, why_of
from protocol.errors import PatchworkError, RemoteError
from web.forms import InvalidForm
from web.site import Answer, Elsewhere, Go, Shown

CODED = (Field.INVOLVEMENT, Field.STATUS, Field.PERMISSION_BASIS)
COURSE = ("importing.status.open", "importing.status.waiting", "importing.status.closed")
NOTHING = "-"
NAME = 80
LONGEST_DAYS = 20 * 366
Codes = Mapping[Field, Mapping[str, str]]
"""The codes that a field takes, each with its words."""


async def show_choice(visit: NodeVisit) -> Answer:
    """Ask which of the mappings of before fits this file. Where none does, make one."""
    upload = await _waiting(visit)
    fitting = await _fitting(visit, upload)
    if not fitting:
        raise Elsewhere(f"/import/{upload.id}/columns")
    names = [(str(number), one.name) for number, one in enumerate(fitting)]
    _say_why(visit, upload)
    return Shown("importing/choice.html", {"upload": upload, "names": names})


async def choose(visit: NodeVisit) -> Answer:
    """Take a mapping of before, or go on to make one."""
    upload = await _waiting(visit)
    fitting = await _fitting(visit, upload)
    known = [str(number) for number in range(len(fitting))]
    said = visit.form.one_of("mapping", [*known, "new"], "importing.wrong.mapping")
    if said == "new":
        return Go(f"/import/{upload.id}/columns")
    await visit.here.uploads.choose(upload.id, fitting[int(said)].mapping)
    return Go(f"/import/{upload.id}")


async def show_columns(visit: NodeVisit) -> Answer:
    """Ask what each column is."""
    upload = await _waiting(visit)
    columns = _columns(upload)
    chosen = {column: name for name, column in _chosen(upload).items()}
    lines = [{**one, "is": chosen.get(one["name"], "")} for one in columns]
    fields = [(name.value, visit.site.say(f"importing.field.{name.value}")) for name in Field]
    _say_why(visit, upload)
    return Shown("importing/columns.html", {"upload": upload, "columns": lines, "fields": fields})


async def say_columns(visit: NodeVisit) -> Answer:
    """Keep what each column is, and ask about the codes."""
    upload = await _waiting(visit)
    chosen: dict[str, str] = {}
    for number, column in enumerate(_columns(upload)):
        name = visit.form.raw(f"column-{number}")
        if not name:
            continue
        if name not in list(Field) or name in chosen:
            raise InvalidForm({f"column-{number}": "importing.wrong.twice"})
        if name in CODED and column["values"] is None:
            raise InvalidForm({f"column-{number}": "importing.wrong.no_codes"})
        chosen[name] = column["name"]
    if Field.LOCAL_ID not in chosen:
        raise InvalidForm({"column-0": "importing.wrong.no_id"})
    now, said = visit.here.now, json.dumps(chosen)
    await visit.here.engine.write(lambda t: t.uploads.change(upload.id, now, chosen=said))
    return Go(f"/import/{upload.id}/codes")


async def show_codes(visit: NodeVisit) -> Answer:
    """Ask what the words in columns of codes mean, and what holds for the file as a whole."""
    upload = await _waiting(visit)
    chosen, before, codes = _chosen(upload), _before(upload), _codes(visit)
    _say_why(visit, upload)
    asked = {name: [] if name in chosen else list(codes[name].items()) for name in CODED}
    values = {
        "upload": upload,
        "tables": _tables(visit, upload),
        "types": asked[Field.INVOLVEMENT],
        "bases": asked[Field.PERMISSION_BASIS],
        "ends": Field.PERMISSION_VALID_UNTIL not in chosen,
        "days": Field.CONSENT_DATE in chosen and Field.VALID_FOR_DAYS not in chosen,
        "dates": any(name in DATES for name in chosen),
        "before": _said_before(before),
        "called": before.title or upload.name.rpartition(".")[0] or upload.name,
    }
    return Shown("importing/codes.html", values)


async def say_codes(visit: NodeVisit) -> Answer:
    """Make the mapping, and look what an import by it would do."""
    upload = await _waiting(visit)
    mapping = await _mapping(visit, upload)
    try:
        await visit.here.uploads.choose(upload.id, dump_mapping(mapping))
    except RemoteError:
        raise InvalidForm({"title": "importing.wrong.title"}) from None
    return Go(f"/import/{upload.id}")


async def _mapping(visit: NodeVisit, upload: Upload) -> ColumnMapping:
    """The mapping that a form says. Raises InvalidForm."""
    form, chosen = visit.form, _chosen(upload)
    month_first = form.raw("order") == Order.MONTH_FIRST
    sources = {
        Field(name): Source(
            column=column,
            order=Order.MONTH_FIRST if month_first and Field(name) in DATES else None,
        )
        for name, column in chosen.items()
    }
    for table in _tables(visit, upload):
        name, values = Field(table["field"]), {}
        for line in table["lines"]:
            codes = [NOTHING, *(code for code, _ in table["codes"])]
            said = form.one_of(line["id"], codes, "importing.wrong.code")
            values[line["value"]] = "" if said == NOTHING else said
        sources[name] = Source(column=chosen[name], values=MappingProxyType(values))
    sources |= _fixed(visit, chosen)
    title = form.text("title", missing="importing.wrong.title", most=NAME)
    saved = await visit.here.read(lambda tables: tables.uploads.mappings())
    taken = title in {one.name for one in saved} - {_before(upload).title}
    if taken and form.raw("replace") != title:
        raise InvalidForm({"title": "importing.wrong.taken"}, title=title)
    kinds = _kinds(sources[Field.INVOLVEMENT], _columns(upload))
    everything = tuple(sorted(kinds)) if form.raw("everything") == "yes" else ()
    repair = form.raw("repair") == "yes"
    return ColumnMapping(title, MappingProxyType(sources), repair, everything)


def _fixed(visit: NodeVisit, chosen: Mapping[str, str]) -> dict[Field, Source]:
    """What is the same for every row. Raises InvalidForm."""
    form, codes, found = visit.form, _codes(visit), dict[Field, Source]()
    if Field.INVOLVEMENT not in chosen:
        said = form.one_of("type", codes[Field.INVOLVEMENT], "importing.wrong.type")
        found[Field.INVOLVEMENT] = Source(fixed=said)
    shares = Field.PERMISSION_BASIS in chosen
    if not shares:
        bases = [NOTHING, *codes[Field.PERMISSION_BASIS]]
        said = form.one_of("basis", bases, "importing.wrong.basis")
        if said != NOTHING:
            shares, found[Field.PERMISSION_BASIS] = True, Source(fixed=said)
    if shares and Field.PERMISSION_VALID_UNTIL not in chosen:
        found |= _end(visit, chosen)
    return found


def _end(visit: NodeVisit, chosen: Mapping[str, str]) -> dict[Field, Source]:
    """Until when permissions hold, where no column says it. Raises InvalidForm."""
    days = visit.form.text("days") if Field.CONSENT_DATE in chosen else ""
    if days:
        if not days.isascii() or not days.isdigit() or not 0 < int(days) <= MAX_DAYS:
            raise InvalidForm({"days": "importing.wrong.days"})
        return {Field.VALID_FOR_DAYS: Source(fixed=str(int(days)))}
    counted = {Field.CONSENT_DATE, Field.VALID_FOR_DAYS} <= set(chosen)
    missing = "" if counted else "importing.wrong.until"
    until = visit.form.day("until", missing, "importing.wrong.no_day")
    if until is None:
        return {}
    today = datetime.fromtimestamp(visit.here.now, UTC).date()
    if not today <= until <= today + timedelta(LONGEST_DAYS):
        raise InvalidForm({"until": "importing.wrong.no_day"})
    return {Field.PERMISSION_VALID_UNTIL: Source(fixed=until.isoformat())}


def _tables(visit: NodeVisit, upload: Upload) -> list[dict[str, Any]]:
    """The columns of codes whose words are not all codes already: each word, with the code that it
    is likely to mean.
    """
    columns = {one["name"]: one for one in _columns(upload)}
    before, found = _before(upload), []
    for name in CODED:
        column = columns.get(_chosen(upload).get(name, ""))
        codes = _codes(visit)[name]
        if column is None or set(column["values"]) <= codes.keys():
            continue
        source = before.sources.get(name, Source())
        said = source.values or {} if source.column == column["name"] else {}
        lines = [
            {
                "id": f"{name.value}-{number}",
                "value": value,
                "code": _likely(value, codes, said),
            }
            for number, value in enumerate(column["values"])
        ]
        options = list(codes.items())
        table = {"field": name.value, "column": column["name"], "lines": lines, "codes": options}
        found.append(table)
    return found


def _likely(value: str, codes: Mapping[str, str], said: Mapping[str, str]) -> str:
    if value in said:
        return said[value] or NOTHING
    word = value.casefold()
    return next((code for code, text in codes.items() if word in (code, text.casefold())), "")


def _codes(visit: NodeVisit) -> Codes:
    """What the sharing agreements of all hubs have, in the agency's own codes."""
    types: dict[str, str] = {}
    bases: dict[str, str] = {}
    for service in visit.here.services:
        agreement = service.membership.agreement
        types |= {own: kind.title for own, kind in agreement.types.items()}
        bases |= {
            agreement.own_basis(one.code): one.title for one in agreement.charter.lawful_bases
        }
    status = {code: visit.site.say(key) for code, key in zip(STATUSES, COURSE, strict=True)}
    return {Field.INVOLVEMENT: types, Field.STATUS: status, Field.PERMISSION_BASIS: bases}


def _kinds(source: Source, columns: Sequence[Mapping[str, Any]]) -> set[str]:
    """The types of involvement that a file has."""
    if source.fixed:
        return {source.fixed}
    if source.values is not None:
        return set(source.values.values()) - {""}
    return {code for one in columns if one["name"] == source.column for code in one["values"]}


def _columns(upload: Upload) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(upload.columns)
    return found


def _chosen(upload: Upload) -> dict[str, str]:
    """Which field is which column: as it was said, as the mapping has it, or as names suggest."""
    if upload.chosen:
        said: dict[str, str] = json.loads(upload.chosen)
        return said
    header = [one["name"] for one in _columns(upload)]
    mapping = load_mapping(upload.mapping) if upload.mapping else guess_mapping(header)
    return {
        name.value: source.column
        for name, source in mapping.sources.items()
        if source.column is not None
    }


def _before(upload: Upload) -> ColumnMapping:
    """The mapping that the file has by now, or none."""
    return load_mapping(upload.mapping) if upload.mapping else ColumnMapping()


def _said_before(mapping: ColumnMapping) -> dict[str, str]:
    """What was said of the file as a whole, to be shown in the form again."""
    fixed = {name: source.fixed or "" for name, source in mapping.sources.items()}
    no_basis = NOTHING if mapping.sources else ""
    year, month, day = (fixed.get(Field.PERMISSION_VALID_UNTIL) or "--").split("-")
    return {
        "type": fixed.get(Field.INVOLVEMENT, ""),
        "basis": fixed.get(Field.PERMISSION_BASIS) or no_basis,
        "until-day": day.lstrip("0"),
        "until-month": month.lstrip("0"),
        "until-year": year,
        "days": fixed.get(Field.VALID_FOR_DAYS, ""),
        "order": next(iter(mapping.orders.values()), Order.DAY_FIRST),
        "everything": "yes" if mapping.everything_of else "",
        "repair": "yes" if mapping.repair_text else "",
    }


async def _waiting(visit: NodeVisit) -> Upload:
    """One's own file that waits for a mapping, or for another. Raises HTTPNotFound, Elsewhere."""
    upload = await mine(visit)
    if upload.state not in (UploadState.READ, UploadState.LOOKED):
        raise Elsewhere(f"/import/{upload.id}")
    return upload


async def _fitting(visit: NodeVisit, upload: Upload) -> Sequence[SavedMapping]:
    """Mappings of before all whose columns the file has."""
    header = {one["name"] for one in _columns(upload)}
    saved = await visit.here.read(lambda tables: tables.uploads.mappings())
    return [one for one in saved if _fits(one, header)]


def _fits(saved: SavedMapping, header: set[str]) -> bool:
    try:
        sources = load_mapping(saved.mapping).sources.values()
    except PatchworkError:
        return False
    return {source.column for source in sources if source.column is not None} <= header


def _say_why(visit: NodeVisit, upload: Upload) -> None:
    """What kept the file from going further, where nothing else is wrong."""
    if upload.state is UploadState.READ and upload.why and not visit.errors:
        visit.errors = {"": why_of(visit, upload)}


PAGES = [
    NodePage("/import/{upload}/mapping", IMPORTERS, show_choice, choose),
    NodePage("/import/{upload}/columns", IMPORTERS, show_columns, say_columns),
    NodePage("/import/{upload}/codes", IMPORTERS, show_codes, say_codes),
]
