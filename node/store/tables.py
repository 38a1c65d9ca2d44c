"""The node's stores over one open transaction, and its database.

It holds clients in the clear: this is the agency's own database. Nothing here decides.
"""

from pathlib import Path

from node.store.account_acts import AccountActs
from node.store.alarms import AlarmStore
from node.store.answer_rules import AnswerRules
from node.store.attention import AttentionStore
from node.store.cards import Cards
from node.store.checks import ReceivedChecks, SentChecks
from node.store.clearances import Clearances
from node.store.consent_drafts import ConsentDrafts
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
from node.store.seen import SeenRowStore
from node.store.set_aside import SetAsideStore
from node.store.stub_parts import StubPartsStore
from node.store.stubs import Stubs
from node.store.team_roles import Absences, TeamRoles
from node.store.tokens import SealedTokens
from node.store.uploads import Uploads
from node.store.withdrawn import WithdrawnHashes
from node.store.withheld import WithheldClients
from storage.accounts import Accounts, Sessions
from storage.engine import Engine, Made, Schema, Transaction
from storage.factors import Factors, SignInSteps
from storage.identities import Identities
from storage.sqlite import SqliteEngine

SCHEMA = Schema.in_folder(Path(__file__).with_name("schema"), {"0040_slips": fill_search})


class NodeTables:
    """The node's stores within one open transaction."""

    records = Made(Records)
    search = Made(ClientSearch)
    imports = Made(Imports)
    seen = Made(SeenRowStore)
    uploads = Made(Uploads)
    held = Made(HeldClients)
    merges = Made(Merges)
    news = Made(News)
    families = Made(Families)
    figures = Made(Figures)
    findable = Made(FindableTypes)
    withheld = Made(WithheldClients)
    withdrawn = Made(WithdrawnHashes)
    openings = Made(Openings)
    answer_rules = Made(AnswerRules)
    people = Made(People)
    team_roles = Made(TeamRoles)
    absences = Made(Absences)
    stubs = Made(Stubs)
    stub_parts = Made(StubPartsStore)
    sealed_tokens = Made(SealedTokens)
    publications = Made(Publications)
    publication_counts = Made(PublicationCounts)
    hubs = Made(Hubs)
    log_views = Made(LogViews)
    links = Made(Links)
    reviews = Made(Reviews)
    accounts = Made(Accounts)
    sessions = Made(Sessions)
    identities = Made(Identities)
    account_acts = Made(AccountActs)
    clearances = Made(Clearances)
    factors = Made(Factors)
    sign_in_steps = Made(SignInSteps)
    hints = Made(Hints)
    sent_requests = Made(SentRequests)
    drafts = Made(Drafts)
    received_requests = Made(ReceivedRequests)
    attention = Made(AttentionStore)
    permissions = Made(Permissions)
    cards = Made(Cards)
    objections = Made(Objections)
    consents = Made(Consents)
    consent_drafts = Made(ConsentDrafts)
    enquiries = Made(Enquiries)
    sent_checks = Made(SentChecks)
    received_checks = Made(ReceivedChecks)
    outbox = Made(OutboxStore)
    journal = Made(JournalStore)
    alarms = Made(AlarmStore)
    governance = Made(GovernanceStore)
    set_aside = Made(SetAsideStore)
    resyncs = Made(Resyncs)
    going = Made(GoingClients)
    old = Made(OldRows)

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    def count(self, table: str) -> int:
        """Rows in a table."""
        row = self.tx.one(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - our own names
        return int(row["n"]) if row else 0


NodeEngine = Engine[NodeTables]


def open_engine(folder: Path, *, rehearse: bool = False) -> NodeEngine:
    """The node's database. `rehearse`: for tests, see storage/sqlite.py."""
    return SqliteEngine(folder / "node.sqlite", SCHEMA, NodeTables, rehearse=rehearse)
