"""specs/vectors/bundles.json: the files that are handed over before there is a log."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from protocol.errors import RemoteError
from protocol.governance.bundles import encode_bundle, read_bundle

SPECS = Path(__file__).parents[2] / "specs"
TEXT = (SPECS / "12-founding.md").read_text("utf-8")
CASES: dict[str, Any] = json.loads((SPECS / "vectors/bundles.json").read_text("utf-8"))
REFUSED = [
    *CASES["refused_texts"],
    *({**case, "text": json.dumps(case["value"])} for case in CASES["refused"]),
]


@pytest.mark.parametrize("value", CASES["taken"], ids=lambda value: value["bundle"])
def test_a_bundle_is_taken_in_any_layout_and_written_with_the_same_fields(value: Any) -> None:
    for layout in (None, 4):
        bundle = read_bundle(json.dumps(value, indent=layout).encode())
        assert json.loads(encode_bundle(bundle)) == value
    for field in value.keys() - {"bundle"}:
        assert f"`{field}`" in TEXT.partition("## 2 Bundles")[2]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_what_is_no_bundle_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        read_bundle(case["text"].encode())
    assert caught.value.code == case["code"]


def test_the_examples_of_the_specification_are_these() -> None:
    blocks = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert [json.loads(block) for block in blocks] == CASES["taken"]
