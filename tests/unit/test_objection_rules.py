"""Who may override an objection: what a charter may say of it, and what more of it means."""

import copy
from typing import Any

import pytest

from protocol import canonical
from protocol.errors import RemoteError
from protocol.governance.changes import differences
from protocol.governance.charter import parse_charter
from tests.unit.audit_log import make_charter

RULE: dict[str, Any] = {
    "holder_classes": ["health_provider"],
    "roles": ["manager"],
    "reasons": [{"code": "harm", "title": "Significant harm"}],
}
ONE_MORE: dict[str, Any] = {
    "holder_classes": [*RULE["holder_classes"], "police"],
    "roles": [*RULE["roles"], "nurse"],
    "reasons": [*RULE["reasons"], {"code": "crime", "title": "A serious crime"}],
}


def document(rule: dict[str, Any] | None) -> dict[str, Any]:
    """A charter whose basis s17 has this rule."""
    value = copy.deepcopy(make_charter().to_value())
    (s17,) = [item for item in value["lawful_bases"] if item["code"] == "UK-CA89-S17"]
    s17["objection"] = rule
    return value


def parsed(rule: dict[str, Any] | None) -> Any:
    return parse_charter(canonical.encode(document(rule)))


@pytest.mark.parametrize(
    "change",
    [
        {"holder_classes": []},
        {"holder_classes": ["auditor"]},
        {"roles": []},
        {"roles": ["astronaut"]},
        {"reasons": []},
        {"reasons": [*RULE["reasons"], *RULE["reasons"]]},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_rule_that_nobody_can_go_by_is_refused(change: dict[str, Any]) -> None:
    assert parsed(RULE).lawful_basis("UK-CA89-S17").objection is not None
    with pytest.raises(RemoteError):
        parsed({**RULE, **change})


@pytest.mark.parametrize("field", ["holder_classes", "roles", "reasons"])
def test_more_loosens_and_less_tightens(field: str) -> None:
    little, more = parsed(RULE), parsed({**RULE, field: ONE_MORE[field]})
    assert len(differences(little, more).loosened) == 1
    assert differences(little, more).tightened == ()
    assert differences(more, little).loosened == ()
    assert len(differences(more, little).tightened) == 1


def test_a_rule_where_there_was_none_loosens_and_another_title_is_another_reason() -> None:
    none, some = parsed(None), parsed(RULE)
    (said,) = differences(none, some).loosened
    assert "overriding an objection is possible, for manager" in said
    assert differences(some, none).loosened == ()
    assert len(differences(some, none).tightened) == 1
    titled = parsed({**RULE, "reasons": [{"code": "harm", "title": "Any harm"}]})
    assert len(differences(some, titled).loosened) == 1
