"""The register of people who may act for this agency: add, close, list; and who acts now.

It is the agency's own, whatever hubs it has joined: nothing here needs one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from node.actions.session import in_folder
from node.config import MailWish, load_settings
from node.records import people
from node.records.people import Appointment, Away, Left
from node.service import NodeService
from node.store.people import Person
from node.store.tables import NodeTables
from node.store.team_roles import Absence
from runtime.environment import Environment

Result = TypeVar("Result")


async def who_acts(service: NodeService, name: str) -> int:
    """The row id of the one person of that name who may act now. Raises LocalError."""
    person = await service.membership.engine.read(lambda tables: people.acting(tables, name))
    return person.id


async def add_person(folder: Path, said: Appointment) -> Person:
    """Let somebody act from now on. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: people.appoint(tables, said, now))


async def say_away(folder: Path, said: Away) -> Absence:
    """Take down that somebody is away. Raises LocalError."""
    now, zone = Environment().clock(), ZoneInfo(load_settings(folder).time_zone)
    return await in_folder(folder, lambda tables: people.away(tables, said, zone, now))


async def say_back(folder: Path, name: str) -> int:
    """Somebody is here again; how many absences that ends. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: people.back(tables, name, now))


async def close_person(folder: Path, name: str, hand_to: str = "") -> Left:
    """Let somebody act no longer, and somebody else take their work over. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: people.close(tables, name, hand_to, now))


async def choose_mail(folder: Path, name: str, wish: MailWish, to: str | None) -> Person:
    """Say how and where somebody of a name hears by mail of news; who it is. Raises LocalError."""
    return await in_folder(folder, lambda tables: people.set_mail(tables, name, wish, to))


async def in_register(folder: Path, view: Callable[[NodeTables], Result]) -> Result:
    """What a view makes of the register. Raises LocalError."""
    return await in_folder(folder, view)
