"""Values of messages in columns of text: as JSON, or NULL."""

import json
from typing import TypeVar

from protocol.fields import WireModel
from protocol.requests.clock import Steps

Value = TypeVar("Value", bound=WireModel)


def text_of(value: WireModel | None) -> str | None:
    """A value as it is kept."""
    return json.dumps(value.model_dump()) if value is not None else None


def of_text(model: type[Value], text: str | None) -> Value | None:
    """The value that is kept so."""
    return model.model_validate(json.loads(text)) if text else None


def clock_text(clock: Steps | None) -> str | None:
    """A clock as it is kept."""
    return json.dumps(vars(clock)) if clock is not None else None


def clock_of(text: str | None) -> Steps | None:
    """The clock that is kept so."""
    return Steps(**json.loads(text)) if text else None
