"""`patchwork-hub policy`: measured on a folder small enough to count by hand."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from hub.cli.main import app
from hub.store.bulk import BulkPairs

HEALTH = """Local ID,NHS Number,Forename,Middle names,Surname,Date of birth,Gender,Address,Postcode
h1,9993001015,Amira,Noor,Hassan,2022-03-14,F,14 Harbour Lane,LX3 7QD
h2,,Samir,,Hassan,2022-03-14,M,14 Harbour Lane,LX3 7QD
h3,,Peter,,Brown,1950-06-02,M,3 Mill Road,LX1 1AA
h4,,Ann,Mary,Whitlock,1980-11-30,F,8 Elm Grove,LX2 2BB
"""
CHILD = """Local ID,NHSNumber,ChildForenames,ChildSurname,DOB,Sex,HomeAddress,HomePostcode
c1,,Amira Noor,Hasan,14/03/2022,F,14 Harbour Ln,LX37QD
c2,9993001015,Amira,Hassan,14/03/2022,F,14 Harbour Lane,LX3 7QD
c3,,Anna,Smithson,01/02/1999,F,77 Oak Street,LX9 9ZZ
c4,,Ann Mary,Whitlock,30/11/1980,F,99 Other Way,LX5 5CC
"""
TRUTH = """local_id,agency,person,hard_case
h1,health,amira,twin
h2,health,samir,twin
h3,health,peter,
h4,health,ann-1,samename_stranger
c1,child,amira,twin
c2,child,amira,twin
c3,child,peter,
c4,child,ann-2,samename_stranger
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("health", HEALTH), ("child", CHILD), ("truth", TRUTH)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["policy", *arguments])
    return result.exit_code, result.stdout


def measured(*arguments: str) -> dict[str, Any]:
    code, text = run("evaluate", *arguments, "--json")
    assert code == 0, text
    value: dict[str, Any] = json.loads(text)
    return value


def test_every_figure_is_what_a_hand_counts(folder: Path) -> None:
    value = measured(str(folder))
    # Amira is twice at child: two true pairs, and Peter's records share nothing: a third, unfound.
    assert value["true_pairs"] == 3
    assert value["candidate_recall"] == pytest.approx(2 / 3)
    assert value["f1_ceiling"] == pytest.approx(0.8)
    # h1-c2 agrees in everything that both have, h1-c1 too: child has her twice, and a second copy
    # is no rival of the first.
    assert value["automatic"] == {"pairs": 2, "false": 0, "precision": 1.0, "recall": 2 / 3}
    # Ann Mary and Ann Mary have names and a birth date in common and no place.
    assert value["review"] == {"pairs": 1, "share_true": 0.0, "share_of_true_pairs": 1 / 3}
    assert value["best_f1"] == pytest.approx(0.8)
    assert value["recall_at_p999"] == pytest.approx(2 / 3)


def test_several_folders_are_measured_one_by_one_and_together(folder: Path) -> None:
    code, text = run("evaluate", str(folder), str(folder))
    assert code == 0, text
    assert text.count("Linked without a person (guarded): 66.7% of true pairs, 0 of 2 wrong.") == 2
    assert "All folders together (guarded): 0 of 4 linked without a person are wrong" in text
    assert "All folders together (open): 2 of 6 linked without a person are wrong" in text
    value = measured(str(folder), str(folder))
    assert value["pooled"]["open"] == {"pairs": 6, "false": 2, "precision": pytest.approx(2 / 3)}


def test_hard_cases_are_counted_by_their_name(folder: Path) -> None:
    cases = measured(str(folder))["hard_cases"]
    assert cases == {
        "samename_stranger": {
            "true_pairs": 0, "automatic": 0, "review": 0, "missed": 0,
            "wrong_automatic": 0, "wrong_review": 1, "wrong_apart": 0,
        },
        "twin": {
            "true_pairs": 2, "automatic": 2, "review": 0, "missed": 0,
            "wrong_automatic": 0, "wrong_review": 0, "wrong_apart": 2,
        },
    }  # fmt: skip


def test_the_open_point_links_what_the_guarded_one_asks_about(folder: Path) -> None:
    points = measured(str(folder))["operating_points"]
    assert isinstance(points, dict)
    assert points["guarded"]["automatic"]["false"] == 0
    assert points["open"]["automatic"]["false"] == 1
    assert measured(str(folder), "--point", "open")["operating_point"] == "open"


def test_pictures_are_readable_without_eyes(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "pictures"
    measured(str(folder), "--pictures", str(to))
    names = sorted(path.name for path in to.iterdir())
    assert names == ["precision-recall.svg", "scores.svg", "tokens-f1.svg"]
    for path in to.iterdir():
        picture = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 our own file
        space = "{http://www.w3.org/2000/svg}"
        title, says = picture.find(f"{space}title"), picture.find(f"{space}desc")
        assert title is not None
        assert title.text
        assert says is not None
        assert says.text


def test_a_trained_policy_can_be_measured_and_read_back(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "mine.json"
    assert run("train", str(folder), "--out", str(to))[0] == 0
    value = json.loads(to.read_text(encoding="utf-8"))
    assert value["version"] == 3
    assert all(key["agree"] >= 0 >= key["disagree"] for key in value["keys"])
    assert measured(str(folder), "--policy", str(to))["policy"] == "england"


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("truth.csv", None, "truth.csv cannot be used"),
        ("truth.csv", "local_id,agency\nh1,health\n", "needs the columns person"),
        ("truth.csv", "local_id,agency,person\nh1,health,x\n", "whose every record is"),
        ("health.csv", None, "two agencies or more"),
        ("health.csv", "", "its first line needs"),
        ("health.csv", b"Local ID,Forename\nh1,\xff\xfe\n", "not a CSV file in UTF-8"),
    ],
)
def test_a_folder_that_cannot_be_used_says_which_file_to_mend(
    folder: Path, file: str, text: str | bytes | None, says: str
) -> None:
    path = folder / file
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = CliRunner().invoke(app, ["policy", "evaluate", str(folder)])
    assert result.exit_code == 1
    assert says in result.output


def test_a_policy_that_is_none_is_refused_in_words(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"name": "mine"}', encoding="utf-8")
    result = CliRunner().invoke(app, ["policy", "evaluate", str(folder), "--policy", str(bad)])
    assert result.exit_code == 1
    assert "match policy" in result.output
    result = CliRunner().invoke(app, ["policy", "evaluate", str(folder), "--policy", "wales"])
    assert result.exit_code == 1
    assert "england" in result.output


def test_a_key_that_breaks_the_leakage_rules_is_named_and_not_trained_with(
    folder: Path, tmp_path: Path
) -> None:
    """Six people of one street, born on one day: too many for one value."""
    names = ("Alan Foss", "Colin Marsh", "Derek Tull", "Frank Nye", "Harry Webb", "Ivor Quill")
    rows = [
        f"h{n},,{name.replace(' ', ',,')},1950-06-02,,{n} Mill Road,LX{n} 1AA"
        for n, name in enumerate(names, 10)
    ]
    (folder / "health.csv").write_text(HEALTH + "\n".join(rows) + "\n", encoding="utf-8")
    more = "".join(f"h{n},health,crowd-{n},\n" for n in range(10, 16))
    (folder / "truth.csv").write_text(TRUTH + more, encoding="utf-8")
    assert run("check", str(folder))[0] == 0, "no key of england is made of these alone"
    policy = json.loads(run("show")[1])
    policy["keys"].append(
        {"id": "dob_street.2", "agree": 0, "disagree": 0, "cap": 1, "place": True}
    )
    path = tmp_path / "leaky.json"
    path.write_text(json.dumps(policy), encoding="utf-8")
    code, text = run("check", str(folder), "--policy", str(path))
    assert code == 1
    assert "dob_street.2: 7 of" in text
    refused = CliRunner().invoke(
        app, ["policy", "train", str(folder), "--policy", str(path), "--out", str(tmp_path / "x")]
    )
    assert refused.exit_code == 1
    assert "take this key out" in refused.output
    assert not (tmp_path / "x").exists()


def test_training_data_whose_twins_never_share_a_middle_name_is_warned_of(folder: Path) -> None:
    def twins(one: str, other: str) -> str:
        row = "h{n},,{given},{middle},Platt,2015-09-17,F,27 Quayside Row,LX4 2BD\n"
        return row.format(n=8, given="Erin", middle=one) + row.format(
            n=9, given="Holly", middle=other
        )

    more = "h8,health,erin,twin\nh9,health,holly,twin\n"
    (folder / "truth.csv").write_text(TRUTH + more, encoding="utf-8")
    for names, warned in ((("Rose", "Grace"), True), (("Rose", "Rose"), False)):
        (folder / "health.csv").write_text(HEALTH + twins(*names), encoding="utf-8")
        result = CliRunner().invoke(app, ["policy", "check", str(folder)])
        assert ("no two twins here share a middle name" in result.output) is warned


def test_without_the_library_that_compares_it_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = CliRunner().invoke(app, ["policy", "evaluate", str(folder)])
    assert result.exit_code == 1
    assert "pip install 'duckdb>=2'" in result.output


def test_no_name_gets_onto_a_disk_and_nothing_stays_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, seen = tmp_path / "room", b""
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    take = BulkPairs.take

    def taken(self: BulkPairs, records: str, marks: str) -> None:
        nonlocal seen
        seen += (records + marks).encode()
        take(self, records, marks)
        seen += b"".join(path.read_bytes() for path in room.rglob("*") if path.is_file())

    monkeypatch.setattr(BulkPairs, "take", taken)
    measured(str(folder))
    assert b"samename_stranger" in seen, "what was made of the people is what was looked at"
    assert not any(
        name in seen.lower() for name in (b"hassan", b"whitlock", b"9993001015", b"1950-06")
    )
    assert list(room.iterdir()) == []
