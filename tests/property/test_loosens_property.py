"""What loosens nothing gives nobody more: checked against the decisions themselves."""

import json
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.policies.packs import pack
from protocol.governance.changes import differences, loosens
from protocol.governance.charter import Charter
from protocol.matchkeys.policy import parse_policy
from protocol.matchkeys.score import Outcome, score_pair
from protocol.messages.bodies import Permission, PublishedInvolvement
from protocol.requests.decide import Shown, decide_show
from protocol.requests.hints import Hint, Side, decide_hint
from tests.conftest import VECTORS

ENGLAND = pack("england")

ROOT = Path(__file__).parents[2]
VALUE: dict[str, Any] = {
    **json.loads((VECTORS / "decisions.json").read_text("utf-8"))["charter"],
    **json.loads((ROOT / "hub" / "members" / "charter_template.json").read_text("utf-8")),
    "match_policy": ENGLAND.to_json(),
}
OLD = Charter.model_validate(VALUE)
KEYS = ["nid_dob.1", "given_dob.3", "alias_dob_pc.4", "name_pc.2"]
HELD = [(), (1, 1), (1, 2)]  # nothing, the same, or something else
some_keys = st.lists(st.sampled_from(KEYS), unique=True, min_size=1)
TYPES = [item.code for item in OLD.involvement_types]
CLASSES = [item.code for item in OLD.classes]
OUTCOMES = [Outcome.NONE, Outcome.POSSIBLE, Outcome.MATCH]
HINTS = [None, Hint.DUTY_DESK, Hint.SERVICE]
SHOWN = [Shown.NOTHING, Shown.POSSIBLE, Shown.INVOLVEMENT]


@st.composite
def policy_pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A small policy, and the same with one part changed: so that many pairs loosen nothing."""
    weights: dict[str, list[Any]] = {
        "agree": [0, 100, 400],
        "disagree": [0, -300],
        "place": [False, True],
    }
    old: dict[str, Any] = deepcopy(VALUE["match_policy"])
    old["keys"] = [key for key in old["keys"] if key["id"] in KEYS]
    for key in old["keys"]:
        key.update({name: draw(st.sampled_from(some)) for name, some in weights.items()})
    old["operating_point"] = draw(st.sampled_from(["guarded", "open"]))
    old["identifier"] = ["nid_dob.1"]
    limits = draw(st.sampled_from([(0, -100), (300, 100), (400, 0)]))
    old |= {"bias": 0, "lower": limits[1]}
    old["guards"] = {
        point: {"upper": limits[0], "each_of": [draw(some_keys)], "vetoes": [], "bar": None}
        for point in ("guarded", "open")
    }
    new = deepcopy(old)
    parts = ["bias", "upper", "lower", "each_of", *weights, "less", "point"]
    _alter(draw, new, draw(st.sampled_from(parts)), weights)
    return old, new


def _alter(draw: st.DrawFn, new: dict[str, Any], part: str, weights: dict[str, list[Any]]) -> None:
    key, guards = draw(st.sampled_from(new["keys"])), new["guards"].values()
    shift = draw(st.sampled_from([-300, -100, 100, 300]))
    if part in weights:
        key[part] = draw(st.sampled_from(weights[part]))
    elif part == "each_of":
        new["guards"]["guarded"][part] = [draw(some_keys)]
    elif part == "point":
        new["operating_point"] = draw(st.sampled_from(["guarded", "open"]))
    elif part == "less":
        new["keys"].remove(key)
        new["identifier"] = [item for item in new["identifier"] if item != key["id"]]
        for guard in guards:
            guard["each_of"] = [[i for i in each if i != key["id"]] for each in guard["each_of"]]
    elif part == "upper":
        for guard in guards:
            guard["upper"] = max(guard["upper"] + shift, new["lower"])
    else:
        new[part] += shift
        new["lower"] = min(new["lower"], *(guard["upper"] for guard in guards))


def with_policy(value: object) -> Charter:
    return Charter.model_validate({**VALUE, "match_policy": value})


@settings(max_examples=400)
@given(policy_pairs())
def test_no_pair_becomes_more_by_a_policy_that_loosens_nothing(
    policies: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    if loosens(*map(with_policy, policies)):
        return
    old, new = map(parse_policy, policies)
    for pattern in product(HELD, repeat=len(KEYS)):
        a, b = (
            {key: [bytes([held[side]])] for key, held in zip(KEYS, pattern, strict=True) if held}
            for side in (0, 1)
        )
        before, after = (score_pair(policy, a, b).outcome for policy in (old, new))
        assert OUTCOMES.index(after) <= OUTCOMES.index(before), pattern


@st.composite
def charters(draw: st.DrawFn) -> Charter:
    """The template with a few involvement types changed at random."""
    value = deepcopy(VALUE)
    for kind in value["involvement_types"]:
        if draw(st.integers(0, 3)) == 0:
            _change(draw, kind)
    return Charter.model_validate(value)


def _open(draw: st.DrawFn, kind: dict[str, Any]) -> None:
    """Another openness; what is always findable names a basis, or is from before there were any,
    and what is sensitive may meet others and be hinted at.
    """
    kind["openness"] = draw(st.sampled_from(["open", "always_findable", "sensitive"]))
    known = [None, "UK-CA89-S17", "UK-CA89-S47"]
    kind["basis"] = draw(st.sampled_from(known)) if kind["openness"] == "always_findable" else None
    sensitive, some = (
        kind["openness"] == "sensitive",
        st.lists(st.sampled_from(CLASSES), unique=True),
    )
    kind["brokered_to"] = draw(some) if sensitive else []
    kind["hint_from"] = draw(st.sampled_from([None, 5, 6])) if sensitive else None


def _change(draw: st.DrawFn, kind: dict[str, Any]) -> None:
    _open(draw, kind)
    kind["visible_to"] = draw(st.lists(st.sampled_from(CLASSES), unique=True))


@st.composite
def charter_pairs(draw: st.DrawFn) -> tuple[Charter, Charter, str]:
    """A charter, the same with one involvement type changed, and that type."""
    value = draw(charters()).model_dump(mode="json")
    old = Charter.model_validate(deepcopy(value))
    kind = draw(st.sampled_from(value["involvement_types"]))
    if draw(st.booleans()):
        _open(draw, kind)
    else:
        _change(draw, kind)
    return old, Charter.model_validate(value), kind["code"]


@settings(max_examples=100)
@given(charter_pairs())
def test_nobody_sees_more_by_a_charter_that_loosens_nothing(
    pair: tuple[Charter, Charter, str],
) -> None:
    old, new, kind = pair
    involvement = PublishedInvolvement(
        id="ab" * 16,
        type=kind,
        label="Label",
        permission=Permission(basis_class="duty", valid_until=10),
        active_until=None,
        facts_commitment="ab" * 32,
    )
    said = loosens(old, new)
    for viewer in CLASSES:
        before, after = (decide_show(item, viewer, involvement, "match", 5) for item in (old, new))
        assert said or SHOWN.index(after) <= SHOWN.index(before)
        told = [_told(item, viewer, kind) for item in (old, new)]
        assert said or HINTS.index(told[1]) <= HINTS.index(told[0])


def _told(charter: Charter, viewer: str, kind: str) -> Hint | None:
    """What a viewer who does the same work, agreed to by everybody, is told of it."""
    work = PublishedInvolvement(
        id="ab" * 16,
        type=kind,
        label="Label",
        permission=Permission(basis_class="consent", valid_until=10),
        active_until=None,
        facts_commitment="ab" * 32,
        shown_to=tuple(CLASSES),
    )
    return decide_hint(charter, Side(viewer, [work]), Side(CLASSES[0], [work], 5), "match", 5)


@given(charters(), policy_pairs())
def test_a_charter_differs_from_itself_in_nothing(
    charter: Charter, policies: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    value = charter.model_dump(mode="json")
    same = Charter.model_validate({**value, "match_policy": policies[1]})
    found = differences(same, Charter.model_validate(same.model_dump(mode="json")))
    assert (found.loosened, found.tightened) == ((), ())


@given(charters(), charters())
def test_every_way_there_and_back_loosens_or_changes_nothing(one: Charter, other: Charter) -> None:
    there, back = differences(one, other), differences(other, one)
    assert bool(there.loosened or there.tightened) == (one != other) or _only_order(one, other)
    # What tightens one way loosens the other: nothing is tight both ways.
    assert bool(there.tightened) <= bool(back.loosened)


def _only_order(one: Charter, other: Charter) -> bool:
    def unordered(charter: Charter) -> list[object]:
        return [
            (
                item.code,
                item.openness,
                item.basis,
                set(item.visible_to),
                set(item.brokered_to),
                item.hint_from,
            )
            for item in charter.involvement_types
        ]

    return unordered(one) == unordered(other)
