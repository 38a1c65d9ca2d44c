"""Consent is not undone by another id: who may be somebody known is held until a person says."""

import re
import sqlite3
from pathlib import Path

import pytest
from typer.testing import Result

from tests.unit.test_node_cli import MAPPING, folder, run

__all__ = ["folder"]

HEADER = "Local ID,NHS Number,Forename,Surname,Date of birth,Postcode\n"
ERIN = "9990123454,Erin,Plattworth,2019-06-23,LX4 2BD\n"
BASIS = '[fields.permission_basis]\nfixed = "UK-CONSENT"\n'
UNTIL = '[fields.permission_valid_until]\nfixed = "2099-12-31"\n'


def bring(folder: Path, rows: str, *options: str) -> Result:
    file, mapping = folder.parent / "clients.csv", folder.parent / "m.toml"
    file.write_text(HEADER + rows)
    mapping.write_text(MAPPING + BASIS + UNTIL)
    return run("import", str(file), "--mapping", str(mapping), "--dir", str(folder), *options)


def withdraw(folder: Path) -> None:
    """Withdraw everybody, as patchwork-node withdraw does where a hub is."""
    with sqlite3.connect(folder / "node.sqlite") as database:
        database.execute("UPDATE involvement SET withdrawn_at = 1790000000")
    database.close()


def held(folder: Path) -> list[tuple[str, str]]:
    found = re.findall(r"^(\S+): perhaps (\S+) ", run("held", "--dir", str(folder)).output, re.M)
    return [(one, other) for one, other in found]


def publishable(folder: Path) -> list[str]:
    """Local ids with a permission in force, as a publication asks for them."""
    sql = (
        "SELECT DISTINCT c.local_id FROM client c JOIN involvement i ON i.client = c.id WHERE "
        "i.permission_basis IS NOT NULL AND i.withdrawn_at IS NULL AND c.id NOT IN "
        "(SELECT client FROM held_client) ORDER BY 1"
    )
    with sqlite3.connect(folder / "node.sqlite") as database:
        found = [row[0] for row in database.execute(sql)]
    database.close()
    return found


@pytest.mark.parametrize(
    "row",
    [
        "123," + ERIN,
        "123.0," + ERIN,
        "'00123," + ERIN,
        "123,,Erin,Plattworth,,\n",
        "777," + ERIN,
        "777,,ERIN,Platworth,23/06/2019,\n",
        "777,9990123454,,,,\n",
        "777,,,Plattworth,2019-06-23,\n",
        "777,,#N/A,Somebody,2019-06-23,LX4 2BD\n",
    ],
    ids=["zeros", "float", "quote", "id alone", "new id", "name and birth", "number", "family",
         "place"],
)  # fmt: skip
def test_a_withdrawal_holds_under_another_id(folder: Path, row: str) -> None:
    bring(folder, "00123," + ERIN)
    withdraw(folder)
    done = bring(folder, row)
    assert done.exit_code == 0, done.output
    assert "1 new client may be somebody whom you know already" in done.output
    assert publishable(folder) == []
    assert held(folder) == [(row.split(",")[0], "00123")]
    assert "1 unchanged" in bring(folder, row).output, "the next feed does not free anybody"
    assert (publishable(folder), len(held(folder))) == ([], 1)


@pytest.mark.parametrize(
    "row",
    [
        "777,9993001015,Samir,Orr,1990-01-02,LX4 2BD\n",
        "777,,Tomos,Plattworth,2019-06-23,LX4 2BD\n",
        "777,9993001015,,Plattworth,2019-06-23,LX4 2BD\n",
    ],
    ids=["a stranger", "a twin", "another number"],
)
def test_who_is_plainly_somebody_else_is_not_held(folder: Path, row: str) -> None:
    bring(folder, "00123," + ERIN)
    withdraw(folder)
    assert bring(folder, row).exit_code == 0
    assert (publishable(folder), held(folder)) == (["777"], [])


@pytest.mark.parametrize("first", ["500,,,,,LX9 9ZZ\n", "500,,Erin,Plattworth,2018-06-23,\n"])
def test_a_row_that_is_filled_in_later_does_not_bring_anybody_back(
    folder: Path, first: str
) -> None:
    bring(folder, "00123," + ERIN)
    withdraw(folder)
    bring(folder, first)
    assert held(folder) == [], "so far it is nobody known"
    bring(folder, "500," + ERIN)
    assert (publishable(folder), held(folder)) == ([], [("500", "00123")])
    run("people", "add", "M. Anager", "--kind", "manager", "--dir", str(folder))
    run("held", "500", "--not-same", "--as", "M. Anager", "--dir", str(folder))
    moved = "500," + ERIN.replace("LX4 2BD", "LX9 9ZZ")
    assert "1 changed" in bring(folder, moved).output
    assert (publishable(folder), held(folder)) == (["500"], []), "what was said is not asked again"


def test_somebody_published_who_is_the_withdrawn_one_is_withdrawn_too(folder: Path) -> None:
    bring(folder, "00123," + ERIN)
    withdraw(folder)
    bring(folder, "500,,,,,LX9 9ZZ\n")
    with sqlite3.connect(folder / "node.sqlite") as database:
        database.execute(
            "INSERT INTO stub (hub_id, client, stub_id, revision, published_hash, retired) "
            "SELECT 'hub', id, 'stub', 1, 'hash', 0 FROM client WHERE local_id = '500'"
        )
    database.close()
    bring(folder, "500," + ERIN)
    run("people", "add", "M. Anager", "--kind", "manager", "--dir", str(folder))
    assert run("held", "500", "--same", "--as", "M. Anager", "--dir", str(folder)).exit_code == 0
    assert (publishable(folder), held(folder)) == ([], [])
    assert "1 unchanged" in bring(folder, "500," + ERIN).output, "the hub can still be told"


def test_what_a_spreadsheet_makes_of_another_id_is_that_client_too(folder: Path) -> None:
    bring(folder, "00123," + ERIN)
    bring(folder, "123," + ERIN)
    with sqlite3.connect(folder / "node.sqlite") as database:
        database.execute("UPDATE other_id SET local_id = 'MAR1'")
    database.close()
    bring(folder, "1-Mar,,Somebody,Else,1990-01-02,\n")
    assert held(folder) == [("1-Mar", "00123")]


def test_the_same_person_is_one_client_and_the_withdrawal_stays(folder: Path) -> None:
    bring(folder, "00123," + ERIN)
    withdraw(folder)
    bring(folder, "123," + ERIN)
    run("people", "add", "M. Anager", "--kind", "manager", "--dir", str(folder))
    nobody = run("held", "123", "--same", "--dir", str(folder))
    assert (nobody.exit_code, held(folder)) == (1, [("123", "00123")]), "somebody must say it"
    assert run("held", "123", "--same", "--as", "M. Anager", "--dir", str(folder)).exit_code == 0
    assert held(folder) == []
    for row in ("123," + ERIN, "123," + ERIN.replace("LX4 2BD", "LX4 2BE")):
        assert "0 new" in bring(folder, row).output
        assert publishable(folder) == []
    acts = run("people", "list", "--acts", "--dir", str(folder)).output
    assert "said that 123 is a client known under another id" in acts


def test_somebody_else_is_a_client_like_any_other(folder: Path) -> None:
    bring(folder, "00123," + ERIN)
    withdraw(folder)
    bring(folder, "123,,Bob,Ray,1991-01-02,LX4 2BF\n")
    assert held(folder) == [("123", "00123")]
    run("people", "add", "M. Anager", "--kind", "manager", "--dir", str(folder))
    assert (
        run("held", "123", "--not-same", "--as", "M. Anager", "--dir", str(folder)).exit_code == 0
    )
    assert (publishable(folder), held(folder)) == (["123"], [])
    bring(folder, "123,,Bob,Ray,1991-01-02,LX4 2BF\n")
    assert held(folder) == [], "it is not asked again"


def test_an_id_that_a_spreadsheet_changed_is_the_same_client_s_where_that_is_plain(
    folder: Path,
) -> None:
    bring(folder, "00123," + ERIN)
    done = bring(folder, "123," + ERIN.replace("LX4 2BD", "LX4 2BE"))
    assert "1 row stored (0 new, 1 changed, 0 unchanged)" in done.output
    assert "2,local_id," in (folder / "clients.notes.csv").read_text()
    assert publishable(folder) == ["00123"]
    assert "1 unchanged" in bring(folder, "123," + ERIN.replace("LX4 2BD", "LX4 2BE")).output


def test_a_file_with_one_client_twice_is_stored_when_a_person_agrees_and_not_asked_again(
    folder: Path,
) -> None:
    rows = "1," + ERIN + "2," + ERIN
    first = bring(folder, rows)
    assert first.exit_code == 1
    assert "lines 2 and 3: look like one client" in first.output
    assert "Erin" not in first.output
    assert publishable(folder) == [], "nothing was stored"
    assert "2 new" in bring(folder, rows, "--yes").output
    again = bring(folder, rows)
    assert (again.exit_code, "2 unchanged" in again.output) == (0, True)


def test_an_id_that_is_now_somebody_else_s_is_asked_about(folder: Path) -> None:
    """A sheet of which one column alone was sorted."""
    bring(folder, "1,,Ann,Lee,1990-01-02,LX4 2BD\n2,,Bob,Ray,1991-03-04,LX4 2BF\n")
    done = bring(folder, "1,,Bob,Ray,1991-03-04,LX4 2BF\n2,,Ann,Lee,1990-01-02,LX4 2BD\n")
    assert done.exit_code == 1
    assert done.output.count("has a local id that was somebody else's until now") == 2
    renamed = bring(folder, "1,,Ann,Orr,1990-01-02,LX4 2BD\n")
    assert "1 changed" in renamed.output, "a new family name is no other person"
