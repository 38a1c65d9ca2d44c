"""The node's stores over one open transaction, and its database.

It holds clients in the clear: this is the agency's own database. Nothing here decides.
"""

from pathlib import Path

from node.store.account_acts import AccountActs
from node.store.alarms import AlarmStore
from node.store.attention import AttentionStore
from node.store.cards import Cards
from node.store.checks import ReceivedChecks, SentChecks
from node.store.clearances import Clearances
from node.store.consents import Consents
from node.store.drafts import Drafts
from node.store.enquiries import Enquiries
from node.store.families import Families
from node.store.figures import Figures
from node.store.findable import FindableTypes
from node.store.found_by import fill_search
from node.store.going import GoingClients
from node.store.governance import GovernanceStore
from node.store.held import HeldClients
from node.store.hints import Hints
from node.store.hubs import Hubs
from node.store.imports import Imports
from node.store.journal import JournalStore
from node.store.limits import PublicationCounts
from node.store.links import Links, Reviews
from node.store.log import LogViews
from node.store.merges import Merges
from node.store.news import News
from node.store.objections import Objections
from node.store.old import OldRows
from node.store.openings import Openings
from node.store.outbox import OutboxStore
from node.store.people import People
from node.store.permissions import Permissions
from node.store.publications import Publications
from node.store.records import Records
from node.store.request_stores import ReceivedRequests, SentRequests
from node.store.resync import Resyncs
from node.store.search import ClientSearch
from node.store.set_aside import SetAsideStore
from node.store.stubs import Stubs
from node.store.team_roles import Absences, TeamRoles
from node.store.tokens import SealedTokens
from node.store.withdrawn import WithdrawnHashes
from node.store.withheld import WithheldClients
from storage.accounts import Accounts, Sessions
from storage.engine import Engine, Schema, Transaction
from storage.factors import Factors, SignInSteps
from storage.identities import Identities
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"), {"0029_search": fill_search})


class NodeTables:
    """The node's stores within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.records, self.search = Records(tx), ClientSearch(tx)
        self.imports = Imports(tx)
        self.held = HeldClients(tx)
        self.merges = Merges(tx)
        self.news = News(tx)
        self.families = Families(tx)
        self.figures = Figures(tx)
        self.findable = FindableTypes(tx)
        self.withheld, self.withdrawn = WithheldClients(tx), WithdrawnHashes(tx)
        self.openings = Openings(tx)
        self.people = People(tx)
        self.team_roles, self.absences = TeamRoles(tx), Absences(tx)
        self.stubs = Stubs(tx)
        self.sealed_tokens = SealedTokens(tx)
        self.publications, self.publication_counts = Publications(tx), PublicationCounts(tx)
        self.hubs = Hubs(tx)
        self.log_views = LogViews(tx)
        self.links, self.reviews, self.hints = Links(tx), Reviews(tx), Hints(tx)
        self.accounts, self.sessions, self.identities = Accounts(tx), Sessions(tx), Identities(tx)
        self.account_acts, self.clearances = AccountActs(tx), Clearances(tx)
        self.factors, self.sign_in_steps = Factors(tx), SignInSteps(tx)
        self.sent_requests = SentRequests(tx)
        self.drafts = Drafts(tx)
        self.received_requests = ReceivedRequests(tx)
        self.attention = AttentionStore(tx)
        self.permissions = Permissions(tx)
        self.cards = Cards(tx)
        self.objections = Objections(tx)
        self.consents = Consents(tx)
        self.enquiries = Enquiries(tx)
        self.sent_checks, self.received_checks = SentChecks(tx), ReceivedChecks(tx)
        self.outbox = OutboxStore(tx)
        self.journal = JournalStore(tx)
        self.alarms = AlarmStore(tx)
        self.governance = GovernanceStore(tx)
        self.set_aside = SetAsideStore(tx)
        self.resyncs = Resyncs(tx)
        self.going = GoingClients(tx)
        self.old = OldRows(tx)

    def count(self, table: str) -> int:
        """Rows in a table."""
        row = self.tx.one(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - our own names
        return int(row["n"]) if row else 0


NodeEngine = Engine[NodeTables]


def open_engine(folder: Path, *, rehearse: bool = False) -> NodeEngine:
    """The node's database. `rehearse`: for tests, see storage/sqlite.py."""
    return SqliteEngine(folder / "node.sqlite", SCHEMA, NodeTables, rehearse=rehearse)
