"""The CSV reader: good files in several shapes, and every refusal with its sentence."""

import gc
import io

import pytest

from node.records.importer.reader import MAX_LINE_CHARACTERS, Line, read_table
from protocol.errors import ErrorCode, RemoteError


def lines(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    return [(line.number, line.cells) for line in read_table(io.BytesIO(data)).lines]


@pytest.mark.parametrize(
    "data",
    [
        b"id,name\n1,Ann\n2,Bob\n",
        b"id,name\r\n1,Ann\r\n2,Bob",
        b"id,name\r1,Ann\r2,Bob\r",
        b"\xef\xbb\xbfid,name\n1,Ann\n2,Bob\n",
        b"id;name\n1;Ann\n2;Bob\n",
        b"id\tname\n1\tAnn\n2\tBob\n",
        b' id , name \n"1","Ann"\n"2",Bob\n',
    ],
)
def test_usual_shapes(data: bytes) -> None:
    table = read_table(io.BytesIO(data))
    assert table.header == ("id", "name")
    assert [(line.number, line.cells) for line in table.lines] == [
        (2, ("1", "Ann")),
        (3, ("2", "Bob")),
    ]


def test_quoted_line_ends_and_blank_lines_keep_the_line_numbers_right() -> None:
    data = 'id,name\n1,"two\nlines, ""quoted"""\n\n,\n4,Zoë\u2028x\n'.encode()
    assert lines(data) == [(2, ("1", 'two\nlines, "quoted"')), (6, ("4", "Zoë\u2028x"))]


def test_a_header_alone_is_an_empty_table() -> None:
    assert lines(b"id,name\n") == []


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(b"id,name\n1,Ann\n")
    list(read_table(stream).lines)
    assert not stream.closed


def test_a_half_read_file_can_be_closed() -> None:
    stream = io.BytesIO(b"id,name\n1,Ann\n2,Bob\n")
    table = read_table(stream)
    next(table.lines)
    stream.close()
    del table
    gc.collect()  # a failing clean-up would be an unraisable error here, and so a failed run


def test_reading_is_streaming() -> None:
    stream = io.BytesIO(b"id,name\n" + b"1,Ann\n" * 200_000)
    table = read_table(stream)
    assert next(table.lines).cells == ("1", "Ann")
    assert stream.tell() < 100_000


def test_a_line_does_not_show_its_cells() -> None:
    assert "Ann" not in repr(Line(2, ("1", "Ann")))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n\n", "empty"),
        (b"\x00\x01\x02", "not text"),
        (b"PK\x03\x04\x14\x00\x06\x00,", "workbook is damaged"),
        ("id,name\n1,Zoë\n".encode("latin-1"), "UTF-8"),
        ("id,name\n1,Zoë\n".encode("utf-16"), "UTF-8"),
        (b"id,name\n1,\xed\xa0\x80\n", "UTF-8"),
        (b"id,name\n1,a\x00b\n", "not text"),
        (b"just a line\nand another\n", "one column"),
        (b"id,name,id\n1,Ann,2\n", "columns 1 and 3 have the same name"),
        (b"id,name, name\n1,Ann,2\n", "columns 2 and 3"),
        (b"id,,name\n1,2,3\n", "column 2 has no name"),
        (b"id,na\x07me\n1,2\n", "column 2 has a name"),
        (b"id," + b"n" * 201 + b"\n", "column 2 has a name"),
        (b",".join(b"c%d" % i for i in range(201)), "more than 200 columns"),
        (b"id,name\n1," + b"x" * 10_001 + b"\n", "line 2: a field is longer than 10000"),
        (b"id,name\n1,Ann\n2," + b"x" * (MAX_LINE_CHARACTERS + 1), "line 3 is too long"),
        (b'id,name\n1,"open\n2,Bob\n', "lines 2 to 3: the quotation marks"),
        (b'id,name\n1,Ann\n2,"a"b\n', "line 3: the quotation marks"),
        (b'id,name\n1,"' + b"x" * 50_000 + b"\n" + b"y\n" * 90_000, "lines 2 to "),
    ],
)
def test_refusals_say_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(RemoteError) as caught:
        lines(data)
    assert caught.value.code is ErrorCode.BAD_FILE
    assert words in caught.value.detail


def test_longest_allowed_field_and_line_count() -> None:
    assert lines(b"id,name\n1," + b"x" * 10_000 + b"\n")[0][1][1] == "x" * 10_000
    data = b"id,name\n" + b"1,Ann\n" * 5
    assert len(list(read_table(io.BytesIO(data), max_lines=6).lines)) == 5
    with pytest.raises(RemoteError) as caught:
        list(read_table(io.BytesIO(data), max_lines=5).lines)
    assert "more than 5 lines" in caught.value.detail


def test_a_refusal_never_repeats_a_value() -> None:
    for data in (b"Zyxw,Zyxw\n", b'id,name\n1,"Zyxw', b"Zyxw\n", b"id,Zyxw\x07\n"):
        with pytest.raises(RemoteError) as caught:
            lines(data)
        assert "Zyxw" not in str(caught.value)
