"""The hub's stores over one open transaction: each the only place with SQL for its tables.

Every method says what it promises. Nothing here decides; nothing here reads a clock.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hub.config import load_settings
from hub.store.attention import AttentionStore
from hub.store.charters import Charters
from hub.store.checkpoints import Checkpoints
from hub.store.checks import Checks
from hub.store.daily import DailyStatements
from hub.store.directory import DirectoryMemo, DirectoryStore
from hub.store.ends import Ends
from hub.store.enquiries import Enquiries
from hub.store.lead import Leads
from hub.store.limits import PublicationLimits
from hub.store.links import Links
from hub.store.log import Log
from hub.store.mailboxes import Mailboxes
from hub.store.members import Members
from hub.store.moving import MoveState, Moving
from hub.store.office import Office
from hub.store.over_quota import OverQuota
from hub.store.requests import Requests
from hub.store.rounds import Rounds
from hub.store.staging import Staging
from hub.store.stubs import Stubs
from hub.store.take_up import TakeUp
from hub.store.tiles import Tiles
from hub.store.uploads import Uploads
from hub.store.waves import Waves
from protocol.errors import ErrorCode, LocalError
from storage.accounts import Accounts, Sessions
from storage.engine import Engine, Made, Schema, Transaction
from storage.factors import Factors, SignInSteps
from storage.sqlite import SqliteEngine

if TYPE_CHECKING:
    from storage.postgres import PostgresDatabase

DATABASE = "hub.sqlite"
SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))


_UNDER_WAY = "is under way, and was interrupted: run patchwork-hub move-database again"
MOVES = {
    MoveState.LEAVING: f"the move to another database {_UNDER_WAY}, or with --give-up",
    MoveState.COMING: f"the move to this database {_UNDER_WAY}",
    MoveState.GONE: "this hub went on in another database: set database in hub.toml",
}


class HubTables:
    """The hub's stores within one open transaction. `memo` belongs to the engine."""

    log = Made(Log)
    checkpoints = Made(Checkpoints)
    charters = Made(Charters)
    members = Made(Members)
    requests = Made(Requests)
    checks = Made(Checks)
    enquiries = Made(Enquiries)
    attention = Made(AttentionStore)
    mailboxes = Made(Mailboxes)
    daily = Made(DailyStatements)
    over_quota = Made(OverQuota)
    stubs = Made(Stubs)
    limits = Made(PublicationLimits)
    ends = Made(Ends)
    uploads = Made(Uploads)
    rounds = Made(Rounds)
    moving = Made(Moving)
    leads = Made(Leads)
    tiles = Made(Tiles)
    accounts = Made(Accounts)
    sessions = Made(Sessions)
    factors = Made(Factors)
    sign_in_steps = Made(SignInSteps)
    office = Made(Office)
    take_up = Made(TakeUp)
    waves = Made(Waves)

    def __init__(self, tx: Transaction, memo: DirectoryMemo | None = None) -> None:
        self.tx = tx
        self.directory = DirectoryStore(tx, memo or DirectoryMemo())

    @cached_property
    def staging(self) -> Staging:
        """What publications have brought that do not count yet."""
        return Staging(self.tx, self.stubs, self.limits)

    @cached_property
    def links(self) -> Links:
        """Who is linked with whom."""
        return Links(self.tx, self.stubs)


HubEngine = Engine[HubTables]


def open_engine(folder: Path, *, rehearse: bool = False) -> HubEngine:
    """The hub's database: a file in its folder, or what its settings name. `rehearse` as of
    SqliteDatabase, for tests. Raises LocalError(CONFIGURATION).
    """
    return open_database(folder, load_settings(folder).database, rehearse=rehearse)


def has_database(folder: Path) -> bool:
    """Whether a hub's folder has a database, or names one. Raises LocalError(CONFIGURATION)."""
    return bool(load_settings(folder).database) or (folder / DATABASE).exists()


def open_database(folder: Path, address: str, *, rehearse: bool = False) -> HubEngine:
    """The database at an address, or without one the file in a hub's folder."""
    memo = DirectoryMemo()

    def stores(tx: Transaction) -> HubTables:
        return HubTables(tx, memo)

    if not address:
        return SqliteEngine(folder / DATABASE, SCHEMA, stores, rehearse=rehearse)
    from storage.postgres import PostgresEngine  # a driver that most hubs lack

    return PostgresEngine(address, SCHEMA, stores, rehearse=rehearse)


def open_connection(address: str) -> "PostgresDatabase[HubTables]":
    """One more connection to the database at an address, for calls from threads."""
    from storage.postgres import PostgresDatabase  # a driver that most hubs lack

    memo = DirectoryMemo()
    return PostgresDatabase(address, SCHEMA, lambda tx: HubTables(tx, memo))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[HubEngine]:
    """The hub's database for one command: closed afterwards, whatever happened.

    Raises LocalError, also for a database that is on its way to another place.
    """
    engine = open_engine(folder)
    try:
        await check_settled(engine)
        yield engine
    finally:
        await engine.close()


async def check_settled(engine: HubEngine) -> None:
    """Raise LocalError(NOT_READY) for a database that is being moved, or was."""
    move = await engine.read(lambda tables: tables.moving.move())
    if move is not None:
        raise LocalError(ErrorCode.NOT_READY, MOVES[move.state])
