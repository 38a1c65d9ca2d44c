"""A change of the charter as the operator writes it: taken, or refused with a sentence."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hub.cli.main import app
from hub.members.charter_changes import proposed, read_change
from hub.policies.packs import pack
from protocol.errors import LocalError, PatchworkError
from protocol.governance.charter import Charter, parse_charter
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from tests.conftest import VECTORS, key

VALUE = json.loads((VECTORS / "decisions.json").read_text("utf-8"))["charter"]


def witness(number: int, domain: str) -> dict[str, str]:
    name = f"w{number}.example"
    signer = NoteSigner(name, SignatureType.COSIGNATURE_V1, SecretSeed(bytes([60 + number]) * 32))
    return {"name": name, "control_domain": domain, "vkey": signer.key.text}


VALUE |= {"witnesses": [witness(n, f"Domain {n}") for n in (1, 2, 3)], "quorum": 3}
VALUE["match_policy"] = pack("england").to_json()
HELD = Charter.model_validate(VALUE)


def written(tmp_path: Path, text: str, name: str = "change.toml") -> Charter:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return proposed(HELD, read_change(path))


def test_only_the_parts_that_change_are_written(tmp_path: Path) -> None:
    new = written(tmp_path, "retention_days = 60\n[quotas]\nrequests_per_day = 7\n")
    assert (new.version, new.predecessor) == (2, HELD.document_hash)
    assert (new.retention_days, new.quotas.requests_per_day) == (60, 7)
    same = new.model_copy(
        update={
            "version": 1,
            "predecessor": None,
            "retention_days": HELD.retention_days,
            "quotas": HELD.quotas,
        }
    )
    assert same == HELD, "and nothing else moved"


def test_a_thing_in_a_list_goes_by_its_name(tmp_path: Path) -> None:
    first, second = VALUE["match_policy"]["keys"][:2]
    text = f'[[match_policy.keys]]\nid = "{second["id"]}"\nagree = 77\n'
    new = written(tmp_path, text)
    keys = new.policy.keys
    assert (keys[second["id"]].agree, keys[first["id"]].agree) == (77, first["agree"])
    assert list(keys) == [item["id"] for item in VALUE["match_policy"]["keys"]]
    added = written(
        tmp_path,
        '[[classes]]\ncode = "hospice"\ntitle = "Hospice"\nstatutory_reference = "None"\n',
    )
    assert [item.code for item in added.classes] == [
        *(item.code for item in HELD.classes),
        "hospice",
    ]


def test_a_whole_document_is_taken_as_it_stands(tmp_path: Path) -> None:
    whole = {**VALUE, "roles": VALUE["roles"][:1]}
    new = written(tmp_path, json.dumps(whole, indent=2), "change.json")
    assert new.roles == VALUE["roles"][:1], "what is left out is gone"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"charter_id": "ab" * 16}, "charter_id cannot be changed: the federation's id"),
        ({"log": {"origin": "other.example/log"}}, "log cannot be changed: a log with another"),
        ({"token_key": {"epoch": 2}}, "token_key cannot be changed: a new token key needs"),
        ({"hub": {"sign": key(0x61)}}, "the hub's key cannot be changed in this release"),
        ({"version": 7}, "start again from it"),
        ({"predecessor": "ab" * 32}, "start again from it"),
        ({"retention_days": VALUE["retention_days"]}, "this changes nothing"),
    ],
)
def test_what_may_not_change_is_refused_with_a_sentence(change: Any, said: str) -> None:
    with pytest.raises(LocalError) as caught:
        proposed(HELD, change)
    assert said in caught.value.detail


def test_a_key_that_nobody_could_make_is_refused() -> None:
    added: Any = {"id": "shoe_size.1", "agree": 1, "disagree": 0, "cap": 1, "place": False}
    with pytest.raises(LocalError) as caught:
        proposed(HELD, {"match_policy": {"keys": [added]}})
    assert "shoe_size.1 is unknown to this program" in caught.value.detail


@pytest.mark.parametrize(
    ("witnesses", "quorum", "sentence"),
    [
        ([witness(1, "A"), witness(2, "B")], 2, "names 3 to 7 witnesses, and this one names 2"),
        ([witness(n, "A") for n in range(1, 5)], 2, "of 4 witnesses at least 3 must sign, not 2"),
        ([witness(n, "A") for n in range(1, 8)], 4, "of 7 witnesses at least 5 must sign, not 4"),
        (
            [witness(1, "A"), witness(2, "Council"), witness(3, "Council")],
            3,
            "at least 2 witnesses are outside the hub's control domain, here 1",
        ),
    ],
)
def test_a_charter_that_too_few_would_watch_is_refused(
    witnesses: Any, quorum: int, sentence: str
) -> None:
    hub = {**VALUE["hub"], "control_domain": "Council"}
    with pytest.raises(LocalError) as caught:
        proposed(HELD, {**VALUE, "hub": hub, "witnesses": witnesses, "quorum": quorum})
    assert sentence in caught.value.detail


def test_with_four_witnesses_one_may_be_off_and_with_seven_two(tmp_path: Path) -> None:
    for count, quorum in ((3, 3), (4, 3), (5, 4), (6, 5), (7, 5)):
        witnesses: Any = [witness(n, f"Domain {n}") for n in range(1, count + 1)]
        roles = VALUE["roles"][:1]
        value = {**VALUE, "witnesses": witnesses, "quorum": quorum, "roles": roles}
        assert proposed(HELD, value).quorum == quorum


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"retention_days": 1}, "retention_days: write 30 or more"),
        (
            {"quotas": {"invite_per_day": 3}},
            "quotas, invite_per_day: there is no such field; did you mean invites_per_day?",
        ),
        ({"motto": "Onwards"}, "motto: there is no such field; there are charter_id, version, "),
        ({"quorum": 8}, "quorum: write 7 or less"),
        ({"match_policy": {"bias": "high"}}, "bias"),
        (
            {"involvement_types": [{"code": "health_visting", "notice": "quiet"}]},
            "health_visting, title: it has to be there; health_visting is new: did you mean",
        ),
        (
            {"involvement_types": [{"code": "health_visiting", "visible_to": ["coven"]}]},
            "names coven, which it does not define",
        ),
    ],
)
def test_what_is_no_charter_is_refused_at_its_place(change: Any, place: str) -> None:
    with pytest.raises(LocalError) as caught:
        proposed(HELD, change)
    assert place in caught.value.detail


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "retention_days = "),
        ("a.toml", ""),
        ("a.toml", "retention_days = 60.5"),
        ("a.toml", "retention_days = 2026-01-01"),
        ("a.json", "[]"),
        ("a.json", "[1]"),
        ("a.toml", '[[classes]]\ntitle = "A class without a code"\n'),
        ("a.json", "{"),
        ("a.json", '{"quorum": 1, "quorum": 2}'),
        ("a.json", '{"retention_days": 60.0}'),
        ("a.json", '{"jurisdictions": "\\ud800"}'),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(PatchworkError):
        written(tmp_path, text, name)


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats()
names = st.sampled_from([*VALUE, "keys", "id", "code", "name", "bias"]) | st.text(max_size=5)
changes = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(names, changes, max_size=4))
def test_any_change_makes_a_charter_that_follows_or_is_refused(change: dict[str, Any]) -> None:
    try:
        new = proposed(HELD, change)
    except PatchworkError:
        return
    assert parse_charter(new.encode()) == new
    assert (new.version, new.predecessor) == (2, HELD.document_hash)
    assert (new.charter_id, new.log, new.token_key) == (HELD.charter_id, HELD.log, HELD.token_key)


def test_only_a_new_witness_without_an_address_is_asked_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that pulls has none, and has signed all the time."""

    async def held(folder: Path) -> Any:
        return SimpleNamespace(directory=SimpleNamespace(charter=HELD))

    monkeypatch.setattr("hub.cli.charter._status", held)
    (tmp_path / "hub.toml").write_text('public_url = "https://hub.example"\n')
    file = tmp_path / "change.json"

    def said(change: dict[str, Any]) -> str:
        file.write_text(json.dumps(change))
        done = CliRunner().invoke(app, ["charter", "change", str(file), "--dir", str(tmp_path)])
        assert "Put it in force?" in done.output
        return done.output

    assert "no address" not in said({"retention_days": 60})
    more = said({"witnesses": [*VALUE["witnesses"], witness(4, "Domain 4")]})
    assert more.count("no address") == 1
    assert "no address for the new witness w4.example" in more


def test_a_hub_that_is_not_set_up_or_founded_has_no_charter_to_change(tmp_path: Path) -> None:
    folder = ["--dir", str(tmp_path)]
    done = CliRunner().invoke(app, ["charter", "show", *folder])
    assert (done.exit_code, "run patchwork-hub set-up" in done.output) == (1, True)
    init = ["init", "--name", "Hub", "--origin", "hub.example/log", "--control-domain", "Council"]
    assert CliRunner().invoke(app, [*init, *folder]).exit_code == 0
    (tmp_path / "change.toml").write_text("retention_days = 60\n")
    done = CliRunner().invoke(app, ["charter", "change", str(tmp_path / "change.toml"), *folder])
    assert (done.exit_code, "run patchwork-hub found" in done.output) == (1, True)
