"""specs/vectors/clocks.json: by when to answer, as numpy and GNU date reckon it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.answering import Answering
from protocol.requests.clock import Steps, steps

SPECS = Path(__file__).parents[2] / "specs"
VECTORS: dict[str, Any] = json.loads((SPECS / "vectors/clocks.json").read_text("utf-8"))


def each(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[group], ids=lambda case: case["name"])


@each("cases")
def test_who_has_a_request_until_when(case: dict[str, Any]) -> None:
    answering = Answering.model_validate(VECTORS["terms"][case["answering"]])
    expected = Steps(case["worker_until"], case["duty_until"], case["overdue_at"])
    assert steps(answering, urgent=case["urgent"], asked_at=case["asked_at"]) == expected


@each("refused")
def test_terms_that_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Answering.model_validate({**VECTORS["terms"]["london"], **case["changes"]})


@pytest.mark.parametrize("asked_at", [2**40, 253_402_300_799])
def test_a_time_beyond_the_calendar_is_an_error_with_a_code(asked_at: int) -> None:
    answering = Answering.model_validate(VECTORS["terms"]["london"])
    with pytest.raises(RemoteError) as refused:
        steps(answering, urgent=False, asked_at=asked_at)
    assert refused.value.code is ErrorCode.MALFORMED
