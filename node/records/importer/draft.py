"""A draft mapping, specs/09-imports.md §3: a guess from a file's columns and values, for a person
to complete. It says so itself: nothing is imported by it before its line `draft = true` is deleted.
"""

from collections.abc import Collection, Iterator, Mapping

from node.records.importer.mapping import (
    REQUIRED,
    STATUSES,
    ColumnMapping,
    Field,
    dump_source,
    guess_mapping,
    head_of,
    quoted,
)
from node.records.importer.table import Table

MOST_VALUES = 40
"""Different values that a draft lists of a column; one with more is hardly a column of codes."""
OPEN = "?"
"""Stands where a person must write a code: no field takes it."""

Allowed = Mapping[Field, Collection[str]]
"""The codes that a field takes, with their titles if it is a mapping; a field that is not in it
takes any code of its form.
"""

_REQUIRED = {
    Field.LOCAL_ID: "required: the column with the client's id in your own system",
    Field.INVOLVEMENT: "required: the kind of work; or, in place of column, fixed = one code",
}
_PERMISSION = f"""
# A row is published only with a lawful basis and a last day; without them it is kept here. Take the
# marks away where it is the same for everybody, or give columns:
# [fields.{Field.PERMISSION_BASIS}]
# fixed = "{OPEN}"
# [fields.{Field.PERMISSION_VALID_UNTIL}]
# fixed = "{OPEN}"                      # a day, as 2027-12-31
"""


def draft_of(table: Table, title: str, allowed: Allowed) -> str:
    """The draft for a file. Walks its lines. Raises RemoteError for a file that cannot be read."""
    codes: Allowed = {**allowed, Field.STATUS: STATUSES}
    guess = guess_mapping(table.header)
    coded = {name: source for name, source in guess.sources.items() if _is_coded(name)}
    found = _values_of(table, [str(source.column) for source in coded.values()])
    lines = [
        "# A draft, guessed from the file. Check every line, write a code for every ?, and then",
        "# delete the next line: nothing is imported while it stands (docs/operate/mapping.md).",
        "draft = true",
        *head_of(ColumnMapping(title)),
    ]
    for name in (*REQUIRED, *(name for name in guess.sources if name not in REQUIRED)):
        source = guess.sources.get(name)
        if source is None:
            lines += ["", f"[fields.{name}]", f'column = ""  # {_REQUIRED[name]}']
        else:
            lines += ["", *dump_source(name, source)]
            lines += _table(name, found.get(str(source.column), set()), codes.get(name))
    return "\n".join(lines) + "\n" + "\n".join(_left(table, guess, allowed)) + "\n"


def _is_coded(name: Field) -> bool:
    return name in (Field.INVOLVEMENT, Field.STATUS, Field.PERMISSION_BASIS)


def _values_of(table: Table, columns: Collection[str]) -> dict[str, set[str]]:
    """The different values of these columns, up to one more than a draft lists."""
    places = {column: table.header.index(column) for column in columns}
    found: dict[str, set[str]] = {column: set() for column in columns}
    for line in table.lines:
        for column, place in places.items():
            if place < len(line.cells) and len(found[column]) <= MOST_VALUES:
                found[column].add(line.cells[place].strip())
    return found


def _table(name: Field, found: Collection[str], allowed: Collection[str] | None) -> list[str]:
    """A value table for a column of codes, where the file does not have codes already."""
    if not _is_coded(name) or (allowed is not None and set(found) <= {*allowed, ""}):
        return []
    said = f"Allowed: {', '.join(allowed)}" if allowed else "Write the code that the charter has"
    if len(found) > MOST_VALUES:
        return [f"# Over {MOST_VALUES} different values: is it the right column? {said}."]
    return [
        "",
        f'# What the file has, and the code for it; "" where it says nothing. {said}.',
        f"[fields.{name}.values]",
        *(
            f"{quoted(value)} = {quoted(value if value in (allowed or ()) else OPEN)}"
            for value in sorted(found)
            if value
        ),
    ]


def _left(table: Table, guess: ColumnMapping, allowed: Allowed) -> Iterator[str]:
    """Remarks at the end: fields without a source, and columns that none reads."""
    if Field.PERMISSION_BASIS not in guess.sources:
        yield _PERMISSION.rstrip()
        bases = allowed.get(Field.PERMISSION_BASIS, ())
        if bases:
            yield "#\n# Lawful bases that the sharing agreement has:"
        for code in bases:
            yield f"#   {code}  {bases[code]}" if isinstance(bases, Mapping) else f"#   {code}"
    read = {source.column for source in guess.sources.values()}
    yield "#"
    yield "# Other fields, which have no source yet:"
    for name in Field:
        if name not in guess.sources and name not in REQUIRED:
            yield f"#   {name}"
    yield "# Columns that no field reads:"
    for column in table.header:
        if column not in read:
            yield f"#   {column}"
