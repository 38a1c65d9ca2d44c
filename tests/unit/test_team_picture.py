"""The team as a picture: what it shows is said in words, whatever a name has in it."""

from xml.etree import ElementTree

from node.web.pages.team_picture import BORDERS, Box, Kind, team_picture
from web.pictures import Caption

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("1")</script> & "Co"'
CAPTION = Caption("The team", f"Everybody: {HOSTILE}")


def drawn(own: list[Box], others: list[Box], client: str = "Amira Hassan") -> ElementTree.Element:
    picture = str(team_picture(CAPTION, client, own, others))
    return ElementTree.fromstring(picture)  # noqa: S314 - made by ourselves


def texts(picture: ElementTree.Element) -> list[str]:
    return [item.text or "" for item in picture.iter(f"{SVG}text")]


def test_it_has_a_title_a_description_and_everybodys_words() -> None:
    picture = drawn(
        [Box(Kind.OWN, "Health visiting", "H. Visitor")],
        [Box(kind, f"Work {kind}", f"Agency {kind}") for kind in Kind if kind is not Kind.OWN],
    )
    assert picture.get("role") == "img"
    assert picture.findtext(f"{SVG}title") == "The team"
    assert picture.findtext(f"{SVG}desc") == CAPTION.says
    said = texts(picture)
    for kind in Kind:
        if kind is not Kind.OWN:
            assert f"Work {kind}" in said
            assert f"Agency {kind}" in said
    assert said.index("H. Visitor") < said.index("Amira Hassan") < said.index("Work other")


def test_a_name_is_text_however_it_is_written() -> None:
    picture = drawn([], [Box(Kind.OTHER, HOSTILE, HOSTILE)], client=HOSTILE)
    assert [item for item in picture.iter() if item.tag.endswith("script")] == []
    assert "<script>" not in str(team_picture(CAPTION, HOSTILE, [], []))


def test_long_names_stay_inside_and_nothing_stands_on_another() -> None:
    long = "Wolverhampton and Shropshire community perinatal mental health partnership " * 3
    unbroken = "W" * 80
    picture = drawn(
        [Box(Kind.OWN, long, unbroken)] * 3, [Box(Kind.OTHER, unbroken, long)] * 30, client=long
    )
    assert max(len(line) for line in texts(picture)) <= 42
    boxes = [
        (float(item.get("y", 0)), float(item.get("height", 0)))
        for item in picture.iter(f"{SVG}rect")
        if item.get("rx")
    ]
    ends = [top + high for top, high in sorted(boxes)]
    assert all(end < top for end, (top, _) in zip(ends, sorted(boxes)[1:], strict=False))
    assert ends[-1] <= float((picture.get("viewBox") or "").split()[3])


def test_kinds_are_told_apart_without_colour() -> None:
    assert set(BORDERS) == set(Kind)
    own, other, past = BORDERS[Kind.OWN], BORDERS[Kind.OTHER], BORDERS[Kind.PAST]
    assert len({own, other, past, BORDERS[Kind.POSSIBLE]}) == 4
