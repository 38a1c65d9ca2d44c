"""What a charter lets agencies say to the team around a client: specs/06-requests.md §13."""

from typing import Annotated

from pydantic import Field, model_validator

from protocol.fields import Code, Count, Name, WireModel


class AttentionKind(WireModel):
    """Why attention may be raised: a code, and what people read of it."""

    code: Code
    title: Name


class AttentionTerms(WireModel):
    """Why attention may be raised, and how often a day (UTC) by one agency. A charter without them
    lets nobody.
    """

    kinds: Annotated[list[AttentionKind], Field(min_length=1, max_length=20)]
    per_day: Count

    @model_validator(mode="after")
    def _codes_are_unique(self) -> "AttentionTerms":
        if len({item.code for item in self.kinds}) != len(self.kinds):
            raise ValueError("defines a code twice")
        return self

    def kind(self, code: str) -> AttentionKind | None:
        """The kind of this code, if there is one."""
        return next((item for item in self.kinds if item.code == code), None)
