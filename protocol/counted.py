"""Numbers with what they count, in sentences that people read."""


def counted(count: int, one: str, many: str = "") -> str:
    """1 row, 2 rows, 3 entries; `many` is said where English is less regular than that.

    >>> counted(1, "row was left out", "rows were left out"), counted(0, "day"), counted(2, "entry")
    ('1 row was left out', '0 days', '2 entries')
    """
    return f"{count} {one if count == 1 else many or _plural(one)}"


def _plural(one: str) -> str:
    if one.endswith("y") and one[-2] not in "aeiou":
        return f"{one[:-1]}ies"
    return f"{one}es" if one.endswith("s") else f"{one}s"
