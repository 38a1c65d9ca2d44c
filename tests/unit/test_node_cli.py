"""The node's command line on files that people really bring."""

import asyncio
import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from node.actions.session import in_folder
from node.cli.main import app
from node.config import load_settings
from node.records.importer.mapping import load_mapping
from node.store.people import Act, Deed
from node.store.tables import NodeTables, open_engine
from runtime.lock import only_one

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

SET_UP = (
    "init", "--name", "Agency", "--class", "charity", "--duty-line", "01632 960001",
    "--duty-hours", "Always", "--clients", "300",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node's folder with a mapping beside it."""
    node = tmp_path / "node"
    done = run(*SET_UP, "--dir", str(node))
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
    path = folder.parent / "clients.mapping.toml"
    assert f"patchwork-node import {file} --mapping {path} --dir {folder}" in done.output
    draft = path.read_text()
    assert 'column = "NHS Number"' in draft
    fields = tomllib.loads(draft)["fields"]
    assert not {"permission_basis", "valid_for_days"} & fields.keys(), "no default for permission"
    again = run("import", str(file), "--dir", str(folder))
    assert again.exit_code == 1
    assert path.read_text() == draft, "a draft is not lost"


def test_a_draft_lists_what_the_file_has_and_is_refused_until_it_is_completed(
    folder: Path,
) -> None:
    file = folder.parent / "clients.csv"
    file.write_text(
        "Local ID,Forename,Service,Status\na,Amira,HV team,open\nb,Samir,health_visiting,Active\n"
    )
    run("import", str(file), "--dir", str(folder))
    path = folder.parent / "clients.mapping.toml"
    draft = path.read_text()
    fields = tomllib.loads(draft)["fields"]
    assert fields["involvement"]["values"] == {"HV team": "?", "health_visiting": "?"}
    assert fields["status"]["values"] == {"Active": "?", "open": "open"}
    assert "Allowed: open, waiting, closed" in draft
    confirmed = ("import", str(file), "--mapping", str(path), "--dir", str(folder))
    refused = run(*confirmed)
    assert refused.exit_code == 2
    assert "this mapping is a draft: check all of it, then delete line 3" in refused.output
    path.write_text(draft.replace("draft = true\n", ""))
    half = run(*confirmed)
    assert half.exit_code == 1
    assert "involvement: the involvement is not a code such as early_help" in half.output
    health = '"HV team" = "health_visiting"\n"health_visiting" = "health_visiting"'
    whole = path.read_text().replace('"HV team" = "?"\n"health_visiting" = "?"', health)
    path.write_text(whole.replace('"Active" = "?"', '"Active" = "open"'))
    done = run(*confirmed)
    assert done.exit_code == 0, done.output
    assert "2 rows stored (2 new, 0 changed, 0 unchanged)." in done.output
    again = run("import", str(file), "--dir", str(folder))
    assert "Your mapping is in" in again.output, "it is no draft any more"
    assert "Complete and check it" not in again.output


def test_a_draft_says_what_it_lacks_and_which_columns_it_does_not_read(folder: Path) -> None:
    file = folder.parent / "clients.csv"
    file.write_text('Ref,Forename,Born,"Tel\nday",Worker\n', newline="")
    run("import", str(file), "--dir", str(folder))
    path = folder.parent / "clients.mapping.toml"
    draft = path.read_text()
    fields = tomllib.loads(draft)["fields"]
    assert fields.keys() == {"local_id", "involvement", "given", "worker"}
    assert fields["local_id"] == fields["involvement"] == {"column": ""}, "required, and not known"
    said = draft.splitlines()
    assert "# [fields.permission_basis]" in said
    assert "#   permission_basis" in said
    assert "#   worker" not in said
    assert said[-3:] == ["#   Ref", "#   Born", "#   Tel day"]
    path.write_text(draft.replace("draft = true\n", ""))
    done = run("import", str(file), "--mapping", str(path), "--dir", str(folder))
    assert done.exit_code == 1
    assert "local_id: say which column has it" in done.output


def test_good_rows_are_stored_and_bad_ones_listed(folder: Path) -> None:
    done = bring(
        folder,
        (
            HEADER
            + "a,9990000026,Amira,Hassan,2022-03-14,LX3 4AB,HV\n"
            + ",9990000026,Samir,Hassan,2022-03-14,LX3 4AB,HV\n"
            + "#N/A,,Nadia,Hassan,31/02/1990,LX3 4AB,\n"
            + "d,9990000027,Omar,Hassan,31/02/1990,LX3 4AB,HV\n"
        ).encode(),
    )
    assert done.exit_code == 0
    assert "2 rows stored (2 new, 0 changed, 0 unchanged)." in done.output
    assert "5 lines read: 1 of the header, 0 blank, 4 rows." in done.output
    assert "Of the rows 2 were kept and 2 left out." in done.output
    assert "2 of them have no permission in force" in done.output
    rejects = (folder / "clients.rejected.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in rejects[1:]] == [
        ["3", "local_id"],
        ["4", "local_id"],
    ]
    assert "Samir" not in "".join(rejects)
    notes = (folder / "clients.notes.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in notes[1:]] == [
        ["5", "nhs_number"],
        ["5", "date_of_birth"],
    ]


def test_a_worker_s_number_that_cannot_be_read_is_left_empty_and_listed(folder: Path) -> None:
    (folder.parent / "m.toml").write_text(
        MAPPING
        + '[fields.worker]\ncolumn = "Worker"\n[fields.worker_phone]\ncolumn = "Phone"\n'
        + '[fields.worker_email]\ncolumn = "Mail"\n'
    )
    done = bring(
        folder,
        (
            HEADER.replace("\n", ",Worker,Phone,Mail\n")
            + "a,,Amira,Hassan,2022-03-14,LX3 4AB,HV,J Doe,(01632) 960-100 x12,jo@example.org\n"
            + "b,,Samir,Hassan,2022-03-14,LX3 4AB,HV,J Doe,ask reception,n/a\n"
            + "c,,Nadia,Hassan,1990-01-31,LX3 4AB,HV,J Doe,07700 900123 (mobile),\n"
        ).encode(),
    )
    assert done.exit_code == 0
    assert "3 rows stored (3 new, 0 changed, 0 unchanged)." in done.output
    assert "2 rows were stored with something left empty" in done.output
    notes = (folder / "clients.notes.csv").read_text().splitlines()
    assert notes[0] == "line,field,reason"
    assert [line.split(",")[:2] for line in notes[1:]] == [
        ["3", "worker_phone"],
        ["4", "worker_phone"],
    ]
    assert "07700" not in "".join(notes)
    assert not (folder / "clients.rejected.csv").exists(), "no client is lost over a number"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--duty-line", "ring us", "duty_line: write a telephone number alone"),
        ("--duty-line", "01632 960001 (days)", "write a telephone number alone"),
        ("--duty-hours", "x" * 121, "at most 120 characters"),
        ("--name", "\u0410nna", "no letters that look alike"),
        ("--name", "x" * 81, "at most 80 characters"),
    ],
)
def test_what_others_could_not_be_shown_is_refused_at_init(
    tmp_path: Path, option: str, value: str, said: str
) -> None:
    given = {"--name": "Agency", "--class": "charity", "--duty-line": "01632 960001"}
    given |= {"--duty-hours": "Always", "--clients": "300"}
    given |= {"--dir": str(tmp_path / "node"), option: value}
    done = run("init", *(word for pair in given.items() for word in pair))
    assert done.exit_code == 1
    assert said in " ".join(done.output.split())
    assert not (tmp_path / "node").exists(), "nothing is half done"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--duty-line", "ring us", "duty_line: write a telephone number alone"),
        ("--duty-hours", "x" * 121, "duty_hours: write at most 120 characters"),
        ("--name", "\u0410nna", "no letters that look alike"),
    ],
)
def test_nothing_is_signed_that_others_could_not_be_shown(
    tmp_path: Path, option: str, value: str, said: str
) -> None:
    done = run("details", option, value, "--dir", str(tmp_path))
    assert done.exit_code == 1
    assert said in " ".join(done.output.split())
    assert "node.toml" not in done.output, "it is said before anything is opened"


def test_a_duty_line_is_taken_as_people_write_it(tmp_path: Path) -> None:
    given = ("--duty-line", "(01632) 960\u2013001, extension 12", "--duty-hours", "Always")
    names = ("--name", "St Brigid\u2019s", "--class", "charity", "--clients", "300")
    assert run("init", "--dir", str(tmp_path / "node"), *names, *given).exit_code == 0
    settings = load_settings(tmp_path / "node")
    assert settings.duty_line == "(01632) 960-001 ext 12"
    assert settings.name == "St Brigid\u2019s"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04\x00\x00\x00workbook", "workbook is damaged"),
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
    assert "We could not read the file (bad_file)" in done.output
    again = bring(folder, (HEADER + "a,,Amira,Hassan,2022-03-14,LX3 4AB,HV\n").encode())
    assert "0 new, 0 changed, 1 unchanged" in again.output, "what was there is still there"


def test_a_file_that_breaks_in_its_last_line_changes_nothing(folder: Path) -> None:
    good = "".join(f"a{n},,Amira{n * 'a'},Hassan,2022-03-14,LX3 4AB,HV\n" for n in range(300))
    assert bring(folder, (HEADER + good).encode() + b"\xff\xfe\n").exit_code == 1
    done = bring(folder, (HEADER + good).encode())
    assert "300 new" in done.output


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
        "--duty-line", "999", "--duty-hours", "Always", "--clients", "300",
    )  # fmt: skip
    assert done.exit_code == 1
    assert (folder / "node.toml").read_text() == before


def test_a_setting_that_is_not_one_is_named(folder: Path) -> None:
    with (folder / "node.toml").open("a") as file:
        file.write("pol_seconds = 5\n")
    done = run("team", "a", "--dir", str(folder))
    assert done.exit_code == 1
    assert "pol_seconds" in done.output


def test_nobody_else_on_the_machine_can_read_what_a_node_writes(tmp_path: Path) -> None:
    before = os.umask(0o022)  # as most machines have it
    try:
        node = tmp_path / "node"
        given = {"--name": "Agency", "--class": "charity", "--duty-line": "01632 960001"}
        given |= {"--duty-hours": "Always", "--clients": "300", "--dir": str(node)}
        assert run("init", *(word for pair in given.items() for word in pair)).exit_code == 0
        (tmp_path / "m.toml").write_text(MAPPING)
        done = bring(node, (HEADER + "a,,Amira,Hassan,2022-03-14,LX3 4AB,HV\nb\n").encode())
        assert done.exit_code == 0
        open_to_others = [
            path.name
            for path in (node, *node.rglob("*"))
            if stat.S_IMODE(path.stat().st_mode) & 0o077
        ]
        assert open_to_others == []
        assert {"node.sqlite", "clients.rejected.csv"} <= {path.name for path in node.iterdir()}
    finally:
        os.umask(before)


@pytest.mark.parametrize("command", [("serve",), ("join", "-"), SET_UP])
def test_a_folder_that_others_may_look_into_is_refused_before_anything_is_done(
    folder: Path, command: tuple[str, ...]
) -> None:
    if command is SET_UP:
        folder = folder / "made by hand"
        folder.mkdir()
    folder.chmod(0o750)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = CliRunner().invoke(app, [*command, "--dir", str(folder)], input="an invitation\n")
    assert done.exit_code == 1
    assert "run chmod 700 on it" in done.output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_node_that_is_served_already_is_not_served_twice(folder: Path) -> None:
    with only_one(folder, "node"):
        done = run("serve", "--dir", str(folder))
        assert done.exit_code == 1
        assert "another node is running from this folder: stop it first" in done.output
        assert run("people", "list", "--dir", str(folder)).exit_code == 0, "commands go on"


def test_files_beside_a_database_are_nobody_elses_while_it_is_open(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        engine = open_engine(tmp_path)
        asyncio.run(engine.write(lambda tables: tables.hubs.all()))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert modes == dict.fromkeys(("node.sqlite", "node.sqlite-wal", "node.sqlite-shm"), 0o600)
        asyncio.run(engine.close())
    finally:
        os.umask(before)


@pytest.mark.parametrize("given", [(), ("-",), ("not an invitation",)], ids=["asked", "-", "shown"])
def test_an_invitation_is_read_from_input_and_a_visible_one_is_warned_of(
    folder: Path, given: tuple[str, ...]
) -> None:
    words = ["join", *given, "--dir", str(folder)]
    done = CliRunner().invoke(app, words, input="not an invitation\n")
    assert done.exit_code == 1
    assert "this is not an invitation" in done.output
    assert ("Others on this machine can see" in done.output) == (given == ("not an invitation",))


def test_whatever_somebody_did_can_be_read_in_the_register(folder: Path) -> None:
    """Also what is new: a deed without words would stop the command."""
    add = ["people", "add", "Mo Anager", "--kind", "manager", "--dir", str(folder)]
    assert CliRunner().invoke(app, add).exit_code == 0
    engine = open_engine(folder)

    def work(tables: NodeTables) -> None:
        for what in Deed:
            tables.people.acted(Act(1, what, "c1", 1_790_000_000))

    asyncio.run(engine.write(work))
    asyncio.run(engine.close())
    listed = CliRunner().invoke(app, ["people", "list", "--acts", "--dir", str(folder)])
    assert listed.exit_code == 0, listed.output
    assert "recorded a consent of c1" in listed.output
    assert listed.output.count("21 September 2026") == len(Deed)


def test_a_script_reads_what_an_import_did(folder: Path) -> None:
    file = folder.parent / "clients.csv"
    row = "a,9990000026,Amira,Hassan,2022-03-14,LX3 4AB,HV\n"
    file.write_text(HEADER + row, encoding="utf-8")
    words = ("--mapping", str(folder.parent / "m.toml"), "--dir", str(folder), "--json")
    value = json.loads(run("import", str(file), *words).stdout)
    assert (value["rows"], value["stored"], value["new"], value["left_out"]) == (1, 1, 1, 0)
    again = json.loads(run("import", str(file), *words).stdout)
    assert (again["new"], again["unchanged"]) == (0, 1)
    (kept,) = asyncio.run(in_folder(folder, lambda tables: tables.uploads.mappings()))
    mapping = load_mapping((folder.parent / "m.toml").read_text("utf-8"))
    assert (kept.name, load_mapping(kept.mapping)) == (mapping.title, mapping)
