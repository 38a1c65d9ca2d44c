"""The hub's stores over one open transaction: each the only place with SQL for its tables.

Every method says what it promises. Nothing here decides; nothing here reads a clock.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.config import load_settings
from hub.store.attention import AttentionStore
from hub.store.charters import Charters
from hub.store.checkpoints import Checkpoints
from hub.store.checks import Checks
from hub.store.daily import DailyStatements
from hub.store.directory import DirectoryMemo, DirectoryStore
from hub.store.ends import Ends
from hub.store.enquiries import Enquiries
from hub.store.limits import PublicationLimits
from hub.store.links import Links
from hub.store.log import Log
from hub.store.mailboxes import Mailboxes
from hub.store.members import Members
from hub.store.over_quota import OverQuota
from hub.store.requests import Requests
from hub.store.rounds import Rounds
from hub.store.staging import Staging
from hub.store.stubs import Stubs
from hub.store.uploads import Uploads
from storage.engine import Engine, Schema, Transaction
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"))


class HubTables:
    """The hub's stores within one open transaction. `memo` belongs to the engine."""

    def __init__(self, tx: Transaction, memo: DirectoryMemo | None = None) -> None:
        self.tx = tx
        self.log = Log(tx)
        self.checkpoints = Checkpoints(tx)
        self.charters = Charters(tx)
        self.directory = DirectoryStore(tx, memo or DirectoryMemo())
        self.members = Members(tx)
        self.requests = Requests(tx)
        self.checks = Checks(tx)
        self.enquiries = Enquiries(tx)
        self.attention = AttentionStore(tx)
        self.mailboxes = Mailboxes(tx)
        self.daily = DailyStatements(tx)
        self.over_quota = OverQuota(tx)
        self.stubs = Stubs(tx)
        self.staging = Staging(tx, self.stubs)
        self.links = Links(tx, self.stubs)
        self.ends = Ends(tx)
        self.uploads = Uploads(tx)
        self.limits = PublicationLimits(tx)
        self.rounds = Rounds(tx)


HubEngine = Engine[HubTables]


def open_engine(folder: Path, *, rehearse: bool = False) -> HubEngine:
    """The hub's database: a file in its folder, or what its settings name. `rehearse` as of
    SqliteDatabase, for tests. Raises LocalError(CONFIGURATION).
    """
    memo, address = DirectoryMemo(), load_settings(folder).database

    def stores(tx: Transaction) -> HubTables:
        return HubTables(tx, memo)

    if not address:
        return SqliteEngine(folder / "hub.sqlite", SCHEMA, stores, rehearse=rehearse)
    from storage.postgres import PostgresEngine

    return PostgresEngine(address, SCHEMA, stores, rehearse=rehearse)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[HubEngine]:
    """The hub's database for one command: closed afterwards, whatever happened."""
    engine = open_engine(folder)
    try:
        yield engine
    finally:
        await engine.close()
