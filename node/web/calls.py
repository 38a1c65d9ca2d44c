"""Calls of the local interface: what is posted where, what answers, and who does it.

specs/07-transport.md §1. A call is a function, and its entry in a table of `CALLS` is its address.
What it is given and what it answers it says itself, by its annotations: the body is a model, the
answer is a model, and the interface's own description (node/web/openapi.py) is made of both.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from inspect import cleandoc, get_annotations
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints

from node.service import NodeService
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel

Item = TypeVar("Item")
Value = TypeVar("Value")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("this is not a day of the calendar") from None


Text = Annotated[str, Field(max_length=200)]
Said = Annotated[str, Field(min_length=1, max_length=200)]
LocalId = Annotated[str, Field(min_length=1, max_length=80)]
Number = Annotated[int, Field(ge=1, le=2**40)]
Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_day),
    Field(json_schema_extra={"format": "date"}),
]
Person = Annotated[
    str,
    Field(max_length=200, description="Who does it, by name, as the register of people has it."),
]


class NothingIn(WireModel):
    """An empty object."""


class Answer(WireModel):
    """What a call answers: exactly these fields, each of its type."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """From a value of node/views. What a view has and this model has not is a fault."""
        return cls.model_validate_json(json.dumps(value))


class Hubs:
    """A node's services, one a hub; where `?hub=` has a name (else empty), the one at that hub.
    Raises RemoteError if there is none.
    """

    def __init__(self, services: Sequence[NodeService], name: str = "") -> None:
        self.services = [one for one in services if name in ("", one.membership.hub.name)]
        if name and not self.services:
            raise RemoteError(ErrorCode.NOT_FOUND, "no hub has the name in ?hub=")

    def one(self) -> NodeService:
        """The only service that is meant. Raises RemoteError."""
        if len(self.services) != 1:
            raise RemoteError(ErrorCode.NOT_FOUND, "say which hub: ?hub=NAME")
        return self.services[0]

    def any(self) -> NodeService:
        """A service for what concerns no hub. Raises RemoteError."""
        if not self.services:
            raise RemoteError(ErrorCode.NOT_FOUND, "this node has joined no hub yet")
        return self.services[0]

    async def find(
        self, look_up: Callable[[NodeTables, str], Item | None]
    ) -> tuple[NodeService, Item]:
        """The service at whose hub something is, and what it is.

        Raises RemoteError: NOT_FOUND, or CONFLICT where two hubs use one id, so that nobody can say
        which is meant.
        """
        found = [
            (service, item)
            for service in self.services
            if (item := await _looked_up(service, look_up)) is not None
        ]
        if len(found) > 1:
            raise RemoteError(ErrorCode.CONFLICT, "two hubs use this id: use the command line")
        if not found:
            raise RemoteError(ErrorCode.NOT_FOUND, "nothing with that id is here")
        return found[0]


Act = Callable[[Any, Any], Awaitable[WireModel]]
"""Does what is posted: at one hub (`NodeService`), or at whichever it concerns (`Hubs`)."""


@dataclass(frozen=True)
class Call:
    """A call as its function says it. `at_one`: it is done at the hub in `?hub=`, or the only one;
    else the call itself finds out at which.
    """

    path: str
    act: Act
    body: type[WireModel]
    answer: type[WireModel]
    at_one: bool
    text: str

    @classmethod
    def of(cls, path: str, act: Act) -> "Call":
        """The call at an address."""
        where, body, answer = get_annotations(act, eval_str=True).values()
        return cls(path, act, body, answer, where is NodeService, cleandoc(act.__doc__ or ""))

    async def __call__(self, hubs: Hubs, body: WireModel) -> WireModel:
        """Do it. Raises LocalError, RemoteError."""
        return await self.act(hubs.one() if self.at_one else hubs, body)


async def read_now(service: NodeService, view: Callable[[NodeTables, int], Value]) -> Value:
    """What a view makes of the agency's own records at this moment. Raises LocalError."""
    now = service.membership.env.clock()
    return await service.read(lambda tables, _membership: view(tables, now))


async def _looked_up(
    service: NodeService, look_up: Callable[[NodeTables, str], Item | None]
) -> Item | None:
    return await service.read(lambda tables, membership: look_up(tables, membership.hub.hub_id))
