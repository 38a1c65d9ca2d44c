"""The node's command line on files that people really bring."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from node.cli.main import app

HEADER = "Local ID,NHS Number,Forename,Surname,Date of birth,Postcode,Service\n"
MAPPING = """format = 1
title = "Test"
[fields.local_id]
column = "Local ID"
[fields.nhs_number]
column = "NHS Number"
[fields.given]
column = "Forename"
[fields.family]
column = "Surname"
[fields.date_of_birth]
column = "Date of birth"
[fields.postcode]
column = "Postcode"
[fields.involvement]
fixed = "health_visiting"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node's folder with a mapping beside it."""
    node = tmp_path / "node"
    done = run(
        "init", "--dir", str(node), "--name", "Agency", "--class", "charity",
        "--duty-line", "01632 960001", "--duty-hours", "Always",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (tmp_path / "m.toml").write_text(MAPPING)
    return node


def run(*arguments: str) -> Result:
    """Run patchwork-node."""
    return CliRunner().invoke(app, list(arguments))


def bring(folder: Path, data: bytes) -> Result:
    """Import a file of these bytes by the mapping."""
    file = folder.parent / "clients.csv"
    file.write_bytes(data)
    mapping = str(folder.parent / "m.toml")
    return run("import", str(file), "--mapping", mapping, "--dir", str(folder))


def test_a_first_import_writes_a_draft_for_a_person_to_complete(folder: Path) -> None:
    file = folder.parent / "clients.csv"
    file.write_text(HEADER)
    done = run("import", str(file), "--dir", str(folder))
    assert done.exit_code == 1
    draft = (folder.parent / "clients.mapping.toml").read_text()
    assert 'column = "NHS Number"' in draft
    assert "permission" not in draft, "there is no default for permission"
    again = run("import", str(file), "--dir", str(folder))
    assert again.exit_code == 1
    assert (folder.parent / "clients.mapping.toml").read_text() == draft, "a draft is not lost"


def test_good_rows_are_stored_and_bad_ones_listed(folder: Path) -> None:
    done = bring(
        folder,
        (
            HEADER
            + "a,9990000026,Amira,Hassan,2022-03-14,LX3 4AB,HV\n"
            + "b,9990000027,Samir,Hassan,2022-03-14,LX3 4AB,HV\n"
            + "c,,Nadia,Hassan,31/02/1990,LX3 4AB,HV\n"
        ).encode(),
    )
    assert done.exit_code == 0
    assert "1 rows stored (1 new, 0 changed, 0 unchanged)." in done.output
    assert "1 of them have no permission in force" in done.output
    rejects = (folder / "clients.rejected.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in rejects[1:]] == [
        ["3", "nhs_number"],
        ["4", "date_of_birth"],
    ]
    assert "Samir" not in "".join(rejects)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04\x00\x00\x00workbook", "not text"),
        ((HEADER + "a,,Zo\u00eb,B,,,HV\n").encode("latin-1"), "UTF-8"),
        ((HEADER + "a,,Zoë,B,,,HV\n").encode("utf-16"), "UTF-8"),
        (HEADER.encode() + b"x" * 200_000, "too long"),
        (HEADER.encode() + b'a,"' + b"y" * 20_000 + b'",,,,,\n', "longer than"),
        (HEADER.replace("Surname", "Forename").encode(), "same name"),
        (b"only one column\n1\n", "one column"),
    ],
    ids=["empty", "binary", "latin-1", "utf-16", "huge line", "huge field", "doubled", "not csv"],
)
def test_a_file_that_cannot_be_read_says_what_to_do_and_changes_nothing(
    folder: Path, data: bytes, said: str
) -> None:
    bring(folder, (HEADER + "a,,Amira,Hassan,2022-03-14,LX3 4AB,HV\n").encode())
    done = bring(folder, data)
    assert done.exit_code == 1
    assert said in done.output
    assert "Fix what the detail names" in done.output
    again = bring(folder, (HEADER + "a,,Amira,Hassan,2022-03-14,LX3 4AB,HV\n").encode())
    assert "0 new, 0 changed, 1 unchanged" in again.output, "what was there is still there"


def test_a_file_that_breaks_in_its_last_line_changes_nothing(folder: Path) -> None:
    good = "".join(f"a{n},,Amira,Hassan,2022-03-14,LX3 4AB,HV\n" for n in range(500))
    assert bring(folder, (HEADER + good).encode() + b"\xff\xfe\n").exit_code == 1
    done = bring(folder, (HEADER + good).encode())
    assert "500 new" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["team", "a"], "run join"),
        (["publish"], "run join"),
        (["answer", "ab", "--allow"], "run join"),
        (["answer", "ab"], "--allow or --refuse"),
        (["join", "bm90IGFuIGludml0YXRpb24="], "not an invitation"),
        (["join", "@@@"], "not an invitation"),
        (["import", "nowhere.csv"], "no file"),
    ],
)
def test_commands_out_of_order_say_what_to_do_first(
    folder: Path, arguments: list[str], said: str
) -> None:
    done = run(*arguments, "--dir", str(folder))
    assert done.exit_code == 1, done.output
    assert said in done.output


def test_a_second_init_overwrites_nothing(folder: Path) -> None:
    before = (folder / "node.toml").read_text()
    done = run(
        "init", "--dir", str(folder), "--name", "Other", "--class", "police",
        "--duty-line", "999", "--duty-hours", "Always",
    )  # fmt: skip
    assert done.exit_code == 1
    assert (folder / "node.toml").read_text() == before


def test_a_setting_that_is_not_one_is_named(folder: Path) -> None:
    with (folder / "node.toml").open("a") as file:
        file.write("pol_seconds = 5\n")
    done = run("team", "a", "--dir", str(folder))
    assert done.exit_code == 1
    assert "pol_seconds" in done.output
