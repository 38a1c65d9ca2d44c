"""How many connections of nobody there are: who does a thing twice is counted once."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from transport.door import Connection, Door


@dataclass
class Transport:
    """A connection's end."""

    aborted: bool = False

    def abort(self) -> None:
        self.aborted = True


@dataclass(eq=False)
class Handler:
    """What aiohttp keeps of a connection."""

    transport: Transport = field(default_factory=Transport)

    def force_close(self) -> None:
        pass


class Room:
    """A door for two of nobody, and who has come."""

    def __init__(self) -> None:
        self.door = Door(most=2)
        self.come: dict[str, Any] = {}

    def admit(self, *names: str) -> None:
        for name in names:
            self.come[name] = self.door.admit(Handler())  # type: ignore[arg-type]

    def of(self, name: str) -> Connection:
        return self.door._known[id(self.come[name])]

    @property
    def hung_up_on(self) -> list[str]:
        return [name for name, handler in self.come.items() if handler.transport.aborted]


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_a_member_that_signs_again_and_again_makes_room_for_nobody(room: Room) -> None:
    room.admit("member")
    for _ in range(5):
        room.door.shown(room.of("member"))
    room.admit("first", "second")
    assert room.hung_up_on == []
    room.admit("third")
    assert room.hung_up_on == ["first"]


async def test_a_member_that_goes_makes_room_for_nobody(room: Room) -> None:
    room.admit("member")
    member = room.of("member")
    room.door.shown(member)
    room.admit("first", "second")
    room.door._forget(member)
    room.admit("third")
    assert room.hung_up_on == ["first"]


async def test_who_goes_twice_or_signs_when_gone_makes_room_once(room: Room) -> None:
    room.admit("gone", "first")
    gone = room.of("gone")
    for _ in range(3):
        room.door._forget(gone)
    room.door.shown(gone)
    room.admit("second")
    assert room.hung_up_on == []
    room.admit("third")
    assert room.hung_up_on == ["first"]
