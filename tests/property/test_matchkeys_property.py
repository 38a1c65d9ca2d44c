"""For any text at all: no crash, no empty value, and nothing but the two kinds of refusal."""

import io
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.policies.packs import pack
from node.records.importer.checks import Terms
from node.records.importer.mapping import (
    ColumnMapping,
    Field,
    Source,
    dump_mapping,
    guess_mapping,
    load_mapping,
)
from node.records.importer.reader import read_table
from node.records.importer.rows import ImportedRow, RowError, parse_rows
from protocol.errors import RemoteError
from protocol.matchkeys import normalise
from protocol.matchkeys.person_names import GivenNames
from protocol.matchkeys.policy import parse_policy
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.score import Outcome, score_pair

ENGLAND = pack("england")

ANY = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Mn", "So", "Sk", "Zs", "Lo"])),
    st.text("abcdeo'.- ", max_size=20),
    st.text("0123456789/-. ", max_size=12),
    st.from_regex(r"[A-Z]{1,2}[0-9]{1,2} ?[0-9][A-Z]{2}", fullmatch=True),
    st.dates().map(date.isoformat),
    st.sampled_from(["9993001015", "1900-01-01", "Baby", "Dr", "de la", "O", "NFA", "\ud800"]),
    st.lists(
        st.sampled_from(
            [
                "Smith",
                "née",
                "(",
                ")",
                ",",
                "/",
                "aka",
                "now",
                "son of",
                "b/o",
                "Baby",
                "girl",
                "1",
                "Unborn",
                "Abdul",
                "Rahman",
                "J.",
                "bin",
                "Kaur",
                "al-",
                "Hostel",
                "VIC 3056",
                "14",
            ]
        ),
        max_size=8,
    ).map(" ".join),
    st.builds(lambda text: text * 4_000, st.text(min_size=1, max_size=3)),
)
RECORDS = st.builds(ClientRecord, *[st.none() | ANY for _ in range(8)])


@given(RECORDS)
@settings(deadline=None)
def test_any_record_makes_clean_values_within_the_caps(record: ClientRecord) -> None:
    made = match_keys(record, ENGLAND.keys)
    for key_id, values in made.items():
        assert 1 <= len(values) <= ENGLAND.keys[key_id].cap
        assert len(set(values)) == len(values)
        for value in values:
            assert value.isascii()
            assert value.isprintable()
            assert " " not in value
            assert len(value) < 10_000
            assert all(value.replace("~", "|").replace("+", "|").split("|"))
    assert made == match_keys(record, ENGLAND.keys)


def _all_given_names(text: str | None) -> list[GivenNames]:
    return [normalise.given_names(text, text), normalise.given_names(text, None, text)]


@given(st.none() | ANY)
@settings(deadline=None)
def test_any_text_is_a_clean_value_or_missing(text: str | None) -> None:
    values: list[str | None] = [
        normalise.birth_date(text),
        normalise.postcode(text),
        normalise.nhs_number(text),
        normalise.sex(text),
        *normalise.house_and_street(text),
        *(name for names in _all_given_names(text) for name in (names.given, names.joined)),
        *(name for names in _all_given_names(text) for name in names.others),
        *normalise.person_names(text, text, text).families,
        normalise.person_names(None, None, text).given,
        *normalise.place(text, text),
        *normalise.family_names(text),
    ]
    assert all(value is None or (value.isascii() and value.isalnum()) for value in values)
    folded = normalise.fold(text)
    assert folded.isascii()
    assert folded.isprintable()
    assert folded == folded.strip()


@given(RECORDS, RECORDS)
@settings(deadline=None, max_examples=50)
def test_score_is_symmetric_and_sums_what_it_names(one: ClientRecord, other: ClientRecord) -> None:
    sides = [
        {key: [value.encode() for value in values] for key, values in made.items()}
        for made in (match_keys(one, ENGLAND.keys), match_keys(other, ENGLAND.keys))
    ]
    score = score_pair(ENGLAND, sides[0], sides[1])
    assert score == score_pair(ENGLAND, sides[1], sides[0])
    assert set(score.agree) | set(score.disagree) == set(sides[0]) & set(sides[1])
    assert not set(score.agree) & set(score.disagree)
    itself = score_pair(ENGLAND, sides[0], sides[0])
    assert (itself.disagree, itself.agree) == (
        (),
        tuple(k for k in ENGLAND.keys if k in sides[0]),
    )
    assert bool(itself.agree) == (itself.outcome is not Outcome.NONE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(st.sampled_from(sorted(ENGLAND.to_json())), JSON)
@settings(deadline=None)
def test_a_policy_parses_or_is_refused(field: str, value: object) -> None:
    changed = {**ENGLAND.to_json(), field: value}
    try:
        parsed = parse_policy(changed)  # type: ignore[arg-type]
    except RemoteError:
        return
    assert parse_policy(parsed.to_json()) == parsed


CELL = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["HV", "a", "9993001015", "2022-03-14", "31/02/2022", "LX3 7QD", "UK-CONSENT", "365", '"', "\n"]
)
MAPPING = ColumnMapping(
    "",
    {
        Field.LOCAL_ID: Source(column="a"),
        Field.INVOLVEMENT: Source(fixed="early_help"),
        Field.NHS_NUMBER: Source(column="b"),
        Field.DATE_OF_BIRTH: Source(column="c"),
        Field.POSTCODE: Source(column="d"),
        Field.PERMISSION_BASIS: Source(column="e"),
        Field.CONSENT_DATE: Source(column="c"),
        Field.VALID_FOR_DAYS: Source(column="f"),
        Field.WORKER_PHONE: Source(column="b"),
        Field.WORKER_EMAIL: Source(column="d"),
        Field.GIVEN: Source(column="e", values={"HV": "x"}),
    },
)


def _import(data: bytes) -> None:
    try:
        for row in parse_rows(read_table(io.BytesIO(data)), MAPPING, Terms(date(2026, 11, 21))):
            assert isinstance(row, (ImportedRow, RowError))
            if isinstance(row, ImportedRow):
                match_keys(row.record, ENGLAND.keys)
    except RemoteError:
        return


@given(st.lists(st.lists(CELL, min_size=6, max_size=6), max_size=4))
@settings(deadline=None)
def test_rows_of_any_cells(rows: list[list[str]]) -> None:
    _import("\n".join(["a,b,c,d,e,f", *(",".join(row) for row in rows)]).encode())


@given(st.binary(max_size=200), st.booleans())
@settings(deadline=None)
def test_any_bytes_as_a_file(data: bytes, headed: bool) -> None:
    _import(b"a,b,c,d,e,f\n" + data if headed else data)


@given(st.text(max_size=60) | st.builds("format = 1\n[fields.{}]\n{}".format, ANY, ANY))
@settings(deadline=None)
def test_any_text_as_a_mapping(text: str) -> None:
    try:
        mapping = load_mapping(text)
    except RemoteError:
        return
    assert load_mapping(dump_mapping(mapping)) == mapping


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)))
@settings(deadline=None)
def test_a_guess_from_any_header_can_be_written_and_read(header: list[str]) -> None:
    guessed = guess_mapping([*header, "Local ID", "D.O.B."])
    assert load_mapping(dump_mapping(guessed)) == guessed
