"""Types of involvement: what a charter says of a kind of work (specs/02-charter.md §3)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from protocol.fields import BasisCode, Code, Name, WireModel


class InvolvementType(WireModel):
    """What kind of work an involvement is, and which classes may see it. `basis`: the lawful basis
    that work of an always findable type has while it is open. Of a sensitive type `brokered_to` is
    the classes whose own sensitive services it may meet, `hint_from` how many organisations of the
    agency's class it takes for a hint through the duty desk. `notice`: how people elsewhere are
    told that somebody of it comes or goes. Charters from before lack all four.
    """

    code: Code
    title: Name
    openness: Literal["open", "always_findable", "sensitive"]
    visible_to: list[Code]
    labels: Annotated[list[Name], Field(max_length=50)]
    basis: BasisCode | None = None
    brokered_to: list[Code] = Field(default=[])
    hint_from: Annotated[int, Field(ge=5, le=10_000)] | None = None
    notice: Literal["quiet", "digest", "notice"] = "notice"

    @property
    def may_know(self) -> list[str]:
        """The classes that may learn that such work goes on, as far as a client agreed: those that
        see it; of a sensitive type those that may meet it, or be told that the duty desk can help.
        """
        if self.openness != "sensitive":
            return self.visible_to
        return [*self.brokered_to, *(self.visible_to if self.hint_from is not None else ())]

    @model_validator(mode="after")
    def _only_sensitive_is_hinted_at(self) -> "InvolvementType":
        if self.openness != "sensitive" and (self.brokered_to or self.hint_from is not None):
            raise ValueError("only a sensitive type is brokered or hinted at")
        return self
