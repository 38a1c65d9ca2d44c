"""Set-ups lead a council to its founding: cut off anywhere, given the wrong files, mistyped."""

import asyncio
import json
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import runtime.files
from hub.cli.main import app as hub
from hub.cli.set_up import HubSetUp
from hub.members.office import founded_as
from hub.store.tables import opened
from keys.group import parse_scalar
from keys.groups import default_group
from protocol.governance.bundles import read_council
from protocol.governance.charter import Charter
from protocol.signing import SecretSeed, public_key
from runtime.secrets import read_secrets
from tests.unit.set_ups import ANSWERS, PROGRAMS, UNFINISHED, founded, typed, unattended


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which every party has its own; whoever starts the hub has done so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(HubSetUp, "_serving", lambda *_: None)
    return tmp_path


def round_of_all() -> None:
    """Everybody runs their set-up once more."""
    for party in PROGRAMS:
        unattended(party)


def charter() -> Charter:
    async def read() -> Charter:
        async with opened(Path("hub")) as engine:
            return (await engine.read(lambda tables: tables.directory.current())).charter

    return asyncio.run(read())


def check_whole() -> None:
    """Everybody holds what the charter says that they hold."""
    agreed, genesis = charter(), Path("hub/genesis").read_text().strip()
    assert asyncio.run(founded_as(Path("hub"))) == genesis
    names = sorted(item["name"] for item in ANSWERS.values() if "genesis_right" in item)
    assert [holder.name for holder in agreed.token_key.holders] == names
    for holder in agreed.token_key.holders:
        folder = Path(f"h{holder.name[-1]}")
        share = parse_scalar(read_secrets(folder / "share-1.json")["share"])
        assert default_group().multiply_base(share).hex() == holder.commitment
        seed = SecretSeed(read_secrets(folder / "keys.json")["sign"])
        assert public_key(seed).hex() == holder.sign
        assert tomllib.loads((folder / "holder.toml").read_text())["genesis"] == genesis
    for witness in agreed.witnesses:
        handed = json.loads(Path(witness.name[:2], "to-council.json").read_bytes())
        assert witness.vkey == handed["witness"]["vkey"]


def test_four_rounds_of_one_file_each_way_found_a_council() -> None:
    for _ in range(4):
        assert not founded()
        round_of_all()
    assert founded()
    check_whole()


def test_cut_off_at_every_write_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each thing that is written the power goes once: all that was done before is there."""
    cut: set[tuple[str, int]] = set()
    half, written = runtime.files._half, Counter[str]()

    def power_goes(path: Path, data: bytes) -> Path:
        name = f"{path.parent.name}/{path.name}"
        if (name, written[name]) not in cut:
            cut.add((name, written[name]))
            raise KeyboardInterrupt
        written[name] += 1
        return half(path, data)

    monkeypatch.setattr(runtime.files, "_half", power_goes)
    for _ in range(4):
        for party in PROGRAMS:
            while "Stopped" in unattended(party).output:
                assert len(cut) < 200, written
    assert founded()
    check_whole()
    assert {name for name, _ in cut} >= {
        "hub/plan.json", "hub/keys.json", "hub/to-all.json", "hub/hub.toml", "hub/genesis",
        "h1/keys.json", "h1/public.json", "h1/terms.json", "h1/deal.json", "h1/share-1.json",
        "h1/transcript.json", "h1/to-council.json", "h1/holder.toml", "h1/set-up.toml",
        "w1/witness.key", "w1/to-council.json", "w1/witness.toml",
    }  # fmt: skip


def begun() -> None:
    """Everybody has handed in once, and the council has handed out who takes part."""
    for party in (*PROGRAMS, "hub"):
        unattended(party)


def changed(source: str, target: str, change: Callable[[dict[str, Any]], None]) -> None:
    """A bundle somewhere else, with something changed."""
    value = json.loads(Path(source).read_bytes())
    change(value)
    Path(target).write_text(json.dumps(value), encoding="utf-8")


def test_the_council_says_of_each_wrong_file_what_is_wrong_and_goes_on_with_the_rest() -> None:
    begun()
    strays = Path("strays")
    strays.mkdir()
    (strays / "rubbish.json").write_text("hello")
    (strays / "own.json").write_bytes(Path("hub/to-all.json").read_bytes())
    changed("h1/to-council.json", "strays/other.json", lambda v: v.update(charter_id="ab" * 16))
    changed(
        "w1/to-council.json", "strays/later.json", lambda v: v.update(bundle="patchwork-witness/2")
    )
    changed("w1/to-council.json", "strays/more.json", lambda v: v.update(secret="x"))
    changed("w1/to-council.json", "strays/log.json", lambda v: v["witness"].update(vkey=log_key()))
    said = unattended("hub", files="*/to-council.json strays").output
    for sentence in (
        "strays/rubbish.json: this is no file of a set-up",
        "strays/own.json: this is a council's own (to-all.json)",
        "strays/other.json: Holder 1 made this for another council",
        "strays/later.json: another version of the program wrote it",
        "strays/more.json: patchwork-witness: as a whole: extra_forbidden",
        "strays/log.json: its key is not that of a witness",
        "Not there yet: Holder 1, Holder 2.",
    ):
        assert sentence in said, sentence
    for party in ("h1", "h2"):
        unattended(party)
    said = unattended("hub", files="*/to-council.json strays").output
    assert "there is more in it now" in said, "what is wrong stops nobody else"
    assert len(read_council(Path("hub/to-all.json").read_bytes()).deals) == 2


def log_key() -> str:
    return read_council(Path("hub/to-all.json").read_bytes()).log


def test_the_council_does_not_begin_with_the_wrong_people() -> None:
    begun()
    Path("hub/to-all.json").unlink()
    (other := Path("w9")).mkdir()
    changed(
        "h1/to-council.json", "w9/to-council.json", lambda v: v["holder"].update(url="https://h")
    )
    said = unattended("hub")
    assert "another file of Holder 1 differs: take the old one away" in said.output
    changed(
        "h1/to-council.json",
        "w9/to-council.json",
        lambda v: v["holder"].update(holder_id="ef" * 16),
    )
    assert "files of 3 key holders, and you said 2" in unattended("hub").output
    for path in other.iterdir():
        path.unlink()
    for number in (1, 2):
        changed(
            f"w{number}/to-council.json", f"w{number}/to-council.json",
            lambda v: v["witness"].update(control_domain="Wexcombe Council"),
        )  # fmt: skip
    said = unattended("hub")
    assert "at least 2 witnesses are outside the hub's control domain, here 1" in said.output
    assert said.exit_code == UNFINISHED
    assert not Path("hub/to-all.json").exists()


def test_a_deal_on_other_terms_is_not_handed_out() -> None:
    begun()
    unattended("h1")
    old = Path("h1/to-council.json").read_bytes()
    changed("hub/to-all.json", "hub/to-all.json", lambda v: v["terms"].update(epoch=2))
    said = unattended("hub").output
    assert "Holder 1: key holder 1 dealt on other terms: have it run its set-up" in said
    assert Path("h1/to-council.json").read_bytes() == old


def council(change: Callable[[dict[str, Any]], None]) -> None:
    changed("hub/to-all.json", "other.json", change)


def test_key_holders_and_witnesses_say_what_is_wrong_with_a_councils_file() -> None:
    begun()
    files: dict[str, tuple[Callable[[dict[str, Any]], None], str, str]] = {
        "without us": (
            lambda v: v["terms"].update(holders=v["terms"]["holders"][1:] * 2),
            "does not name this key holder", "",
        ),
        "with other keys": (
            lambda v: v["terms"]["holders"][0].update(sign="ab" * 32),
            "names this key holder with other keys", "",
        ),
        "without the witness": (
            lambda v: v.update(witnesses=[]), "", "does not name this witness as it is",
        ),
    }  # fmt: skip
    for change, to_holder, to_witness in files.values():
        council(change)
        for party, sentence in (("h1", to_holder), ("w3", to_witness)):
            if sentence:
                done = unattended(party, council_file="other.json")
                assert (done.exit_code, sentence in done.output) == (UNFINISHED, True), done.output
    done = unattended("h1", council_file="h2/to-council.json")
    assert "this is what goes to the council" in done.output
    assert not Path("h1/deal.json").exists(), "it has dealt with nobody"
    assert not Path("w3/witness.toml").exists()
    unattended("h1")
    assert "it holds no deals yet" in unattended("h1").output, "the same file again is too old"
    council(lambda v: v["terms"].update(threshold=3))
    assert "on other terms than you agreed to" in unattended("h1", council_file="other.json").output
    for party in ("h2", "hub", "h1"):
        unattended(party)
    council(lambda v: v.update(charter_id="ab" * 16, genesis="cd" * 32))
    assert "this is another council's" in unattended("h1", council_file="other.json").output


def test_who_does_not_agree_holds_no_share() -> None:
    begun()
    done = unattended("h1", terms_right=False)
    assert (done.exit_code, "run this again" in done.output) == (1, True)
    done = unattended("w3", log_right=False)
    assert (done.exit_code, "run this again" in done.output) == (2, True)
    assert not Path("h1/terms.json").exists()
    assert not Path("w3/witness.toml").exists()


def test_an_answer_that_is_none_is_asked_for_again_and_what_was_said_is_kept() -> None:
    said = typed(
        "hub",
        "\nWexcombe hub\nWexcombe Council\nhub.example\nhttp://127.0.0.1:8440\nno\n"
        "https://hub.example/\n\n\nDuty team\nask reception\n01632 960100\nNights\n1\n3\n\n4\n9\n",
    )
    for sentence in (
        "Not so: write a whole address, as https://hub.example",
        "Then it needs https://",
        "Not so: write a telephone number alone",
        "Not so: write a number from 2 to 16",
        "Not so: write a number from 3 to 4",
        "nobody is here to answer: How many of them must sign?",
    ):
        assert sentence in said.output, said.output
    kept = tomllib.loads(Path("hub/set-up.toml").read_text())
    assert (kept["url"], kept["port"], kept["origin"]) == (
        "https://hub.example",
        8440,
        "hub.example/log",
    )
    said = typed("hub", "\n\n\nn\n" + "\n" * 6 + "01632 960999\n" + "\n" * 20)
    assert "Who answers at once" in said.output.split("Is that right")[1], "it is asked anew"
    kept = tomllib.loads(Path("hub/set-up.toml").read_text())
    assert kept["duty_phone"] == "01632 960999"
    assert "allow_private" not in str(kept)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('nmae = "Hub"', "nobody asks for nmae; there is: name, control_domain"),
        ("name = ", "is not TOML: write one line an answer"),
        ("name = []", "name is no text or number"),
        ('url = "hub.example"', "url: write a whole address"),
        ('url = "http://127.0.0.1:1"\ntrial = false', "url is https://, or trial = true"),
    ],
)
def test_a_file_of_answers_that_is_none(text: str, sentence: str) -> None:
    Path("answers.toml").write_text(text)
    done = typed("hub", "Hub\nCouncil\n", "--answers", "answers.toml")
    assert (done.exit_code, sentence in done.output) == (1, True), done.output
    assert "Traceback" not in done.output


def test_a_set_up_in_another_programs_folder_is_refused() -> None:
    unattended("h1")
    done = CliRunner().invoke(hub, ["set-up", "--dir", "h1"])
    assert (done.exit_code, "h1 is a key holder's folder" in done.output) == (1, True), done.output
    assert not Path("h1/plan.json").exists()


def test_an_answer_that_was_refused_is_not_offered_again() -> None:
    said = typed("h1", "Holder\nDomain\nhttp://127.0.0.1:1\nno\nhttps://keys.example\n\nyes\n")
    assert "Then it needs https://" in said.output
    assert "[http://127.0.0.1:1]" not in said.output
    assert 'url = "https://keys.example"' in Path("h1/set-up.toml").read_text()


def test_it_says_where_it_looks_and_that_another_place_can_be_given() -> None:
    for place, said in (
        ("hub/to-al.json", "Nothing has arrived as hub/to-al.json."),
        ("h1/in", "Nothing has arrived in h1/in."),
        ("*/to-all.jsn", "Nothing has arrived that is called */to-all.jsn."),
    ):
        Path("hub").mkdir(exist_ok=True)
        output = unattended("h1", council_file=place).output
        assert said in output
        assert "the same command asks where" in output
    assert (
        "Nothing has arrived that is called */nothing"
        in unattended("hub", files="*/nothing").output
    )
    for stray in ("keys.json", "plan.json"):
        Path("hub", stray).write_text("{}")
    assert "Nothing has arrived in hub." in unattended("w1", council_file="hub").output, "no strays"
    again = typed("h2", "Holder 2\nDomain\nhttps://h2.example\n8450\nyes\nyes\nhub/to-all.json\n")
    assert "Not so: write a file or a folder." in again.output


def test_a_no_says_whom_to_call_and_changes_nothing() -> None:
    begun()
    for folder in ("terms.json", "deal.json"):
        Path("h1", folder).unlink(missing_ok=True)
    refused = typed("h1", "hub/to-all.json\nno\n")
    assert refused.exit_code == 1
    assert "you have not agreed, and nothing goes on: call the council" in refused.output
    assert not Path("h1/deal.json").exists()
    typed("h1", "\nyes\n")
    assert Path("h1/deal.json").exists()
