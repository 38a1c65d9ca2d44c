"""What the hub has of this agency by our own signed publications, and what follows from it here.

specs/05-log.md §16. The log's word goes before the database's where it says less: a client who was
retired stays so, and work that is not in their row any more or is shown to fewer is withdrawn; a
permission that ends sooner ends then. Where it says more the database is right: what is not known
here any more is retired.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from node.membership.hub import HubMembership
from node.publishing.narrowing import all_shown_to
from node.publishing.outgoing import apply_effects
from node.publishing.tokens import TokenCache
from node.resync.history import Given
from node.store.permissions import At
from node.store.publications import Publication, PublicationState
from node.store.records import EndedBy, Involvement
from node.store.resync import Lost
from node.store.stubs import PublishedStub
from node.store.tables import NodeTables
from protocol import canonical
from protocol.commitments import commit
from protocol.errors import LocalError
from protocol.fields import to_base64
from protocol.governance.enquiries import ENQUIRY
from protocol.messages.bodies import PublishedInvolvement, StubRow
from protocol.requests.daily import DAY


@dataclass
class HeldStub:
    """A stub as the log has it: its last row, when that was signed, and when its tokens changed."""

    row: StubRow
    at: int
    tokens_changed: list[int] = field(default_factory=list)


@dataclass
class HeldByHub:
    """What publications of ours made, in the order of the log."""

    publications: list[Given] = field(default_factory=list)
    stubs: dict[str, HeldStub] = field(default_factory=dict)
    fresh: Counter[str] = field(default_factory=Counter)
    erased: bool = False

    def take(self, given: Given) -> None:
        """Take the next publication. Raises RemoteError for rows that it does not name."""
        rows, at = given.rows(), given.statement.preamble.iat
        self.publications.append(given)
        self.erased = self.erased or not rows
        for row in rows:
            self.fresh[given.statement.id] += row.revision == 1
            before = self.stubs.get(row.stub_id)
            held = HeldStub(row, at, before.tokens_changed if before else [])
            if before and before.row.token_commitment != row.token_commitment:
                held.tokens_changed.append(at)
            self.stubs[row.stub_id] = held

    def has_gaps(self, known: int) -> bool:
        """Whether something is missing between the first `known` publications and the last."""
        there = {item.statement.body.sequence for item in self.publications}
        return self.erased or not there.issuperset(range(known + 1, max(there, default=0) + 1))


class Published:
    """Brings the database up to what the hub holds, within one transaction."""

    def __init__(self, membership: HubMembership, held: HeldByHub) -> None:
        self._membership = membership
        self._hub_id = membership.hub.hub_id
        self._cache = TokenCache(membership)
        self._held = held

    def apply(self, tables: NodeTables) -> Lost:
        """Publications, stubs, retirements and permissions; what is not as it was."""
        self._take_publications(tables)
        own = tables.stubs.all_of_hub(self._hub_id)
        lost = {
            stub_id: item.row.revision
            for stub_id, item in self._held.stubs.items()
            if stub_id not in own and not item.row.retired
        }
        tables.resyncs.lose_stubs(self._hub_id, lost)
        newer = [
            stub
            for stub_id, stub in own.items()
            if stub_id in self._held.stubs
            and self._held.stubs[stub_id].row.revision > stub.revision
        ]
        self._take_stubs(tables, newer)
        gone = self._withdraw(tables, newer, self._left_out(own.values()))
        ended, shortened = self._shorten(tables, newer)
        withdrawn = tuple(sorted({*gone, *ended}))
        return Lost(withdrawn=withdrawn, shortened=shortened, unknown_clients=len(lost))

    def _take_publications(self, tables: NodeTables) -> None:
        """Those of the log are ours, applied; one that waited here is one of them, or came to
        nothing.
        """
        store, hub_id = tables.publications, self._hub_id
        given = {item.statement.id: item for item in self._held.publications}
        while (waiting := store.pending(hub_id)) is not None:
            place = given.get(waiting.statement_id)
            if place is not None:
                apply_effects(tables, waiting, place.index, place.salt)
            else:
                store.drop(hub_id, waiting.sequence)
        for item in self._held.publications:
            sequence = item.statement.body.sequence
            if store.get(hub_id, sequence) is None:
                name, done = item.statement.id, PublicationState.APPLIED
                store.add(Publication(hub_id, sequence, name, item.envelope, (), (), done))
                if count := self._held.fresh[name]:
                    day = item.statement.preamble.iat // DAY
                    tables.publication_counts.add_new_stubs(hub_id, day, count)

    def _take_stubs(self, tables: NodeTables, newer: Collection[PublishedStub]) -> None:
        """The revisions that the log has; what is not known of a stub is published again."""
        hub_id, held = self._hub_id, self._held.stubs
        same = self._with_our_tokens(tables, newer)
        changed = [stub.stub_id for stub in newer if stub.stub_id not in same]
        for stub_id in changed:
            item = held[stub_id]
            for at in {item.at, *item.tokens_changed}:
                tables.publication_counts.add_changes(hub_id, [stub_id], at)
        tables.publication_counts.forget_tokens(hub_id, changed)
        tables.stubs.put_digests(hub_id, {stub_id: {} for stub_id in changed})
        if not newer:
            return
        tables.stubs.put(
            hub_id,
            [
                replace(
                    stub,
                    revision=held[stub.stub_id].row.revision,
                    retired=held[stub.stub_id].row.retired,
                    published_hash="",
                )
                for stub in newer
            ],
            max(item.index for item in self._held.publications),
        )

    def _with_our_tokens(self, tables: NodeTables, stubs: Collection[PublishedStub]) -> set[str]:
        """Those of these stubs whose tokens at the hub are the ones that this database has."""
        names = [stub.stub_id for stub in stubs]
        last = tables.publication_counts.last_tokens(self._hub_id, names)
        digests = tables.stubs.all_digests(self._hub_id, last)
        wanted = {one for keys in digests.values() for items in keys.values() for one in items}
        try:
            pairs = self._cache.get_all(tables, wanted)
        except LocalError:
            return set()
        same = set()
        for stub_id, keys in digests.items():
            texts: canonical.JsonValue = {
                key: [to_base64(pairs[one].token) for one in items] for key, items in keys.items()
            }
            salt = bytes.fromhex(last[stub_id].salt)
            named = self._held.stubs[stub_id].row.token_commitment
            if commit(salt, {"stub_id": stub_id, "tokens": texts}) == named:
                same.add(stub_id)
        return same

    def _left_out(self, own: Iterable[PublishedStub]) -> list[PublishedStub]:
        """Stubs that a new log of the hub does not know, though we have published there: what was
        withdrawn before that was not published again.
        """
        if not self._held.publications:
            return []
        return [
            stub
            for stub in own
            if not (stub.revision or stub.retired or stub.stub_id in self._held.stubs)
        ]

    def _withdraw(
        self,
        tables: NodeTables,
        newer: Iterable[PublishedStub],
        left_out: Iterable[PublishedStub],
    ) -> tuple[str, ...]:
        """Take back here what was taken back since, but for work that is published at other hubs
        alone; our ids of the clients that this changes.
        """
        held, now = self._held.stubs, self._membership.env.clock()
        when = {
            stub.client: held[stub.stub_id].at for stub in newer if held[stub.stub_id].row.retired
        }
        when |= {stub.client: now for stub in left_out}
        found = tables.records.all_in_force(when, At(self._hub_id, now))
        live = {client: works for client, works in found.items() if any(map(self._is_here, works))}
        findable = tables.findable.of(self._hub_id)
        every = [item for item in tables.records.involvements(live) if self._is_here(item)]
        tables.records.set_involvements(
            replace(item, withdrawn_at=when[item.client])
            for item in every
            if item.withdrawn_at is None
        )
        for client, works in live.items():
            if any(item.type in findable for item in works):  # perhaps it was withheld
                tables.withheld.put_back(client, now)
        return tuple(tables.records.local_ids(live))

    def _is_here(self, item: Involvement) -> bool:
        """Whether work of this type is for this hub."""
        types = self._membership.terms.types
        return not types or item.type in types or item.type == ENQUIRY

    def _shorten(
        self, tables: NodeTables, newer: Iterable[PublishedStub]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """End permissions when the log says, and take back what the log has no longer, or shows to
        fewer than we would: our ids of the clients whose work is taken back, and of the others.
        """
        now = self._membership.env.clock()
        stubs = {
            stub.client: self._held.stubs[stub.stub_id]
            for stub in newer
            if not self._held.stubs[stub.stub_id].row.retired
        }
        live = tables.records.all_in_force(stubs, At(self._hub_id, now))
        findable = tables.findable.of(self._hub_id)
        works = [item for items in live.values() for item in items]
        ids = tables.stubs.involvement_ids(self._hub_id, [item.id for item in works])
        known = [item for item in works if item.id in ids]  # of others the hub never heard
        named = all_shown_to(tables, self._membership.agreement, known)
        shorter, ended = [], []
        for item in known:
            held = stubs[item.client]
            there = _row_of(held, ids[item.id].involvement_id)
            kind = self._membership.agreement.types.get(item.type)
            sensitive = kind is not None and kind.openness == "sensitive"
            if there is None or _is_narrower(there, named.get(item.id), sensitive=sensitive):
                said = replace(item, withdrawn_at=held.at)
                if item.type in findable:  # if it goes on, the next feed says so
                    said = replace(said, ended_at=held.at, ended_by=EndedBy.FEED)
                ended.append(said)
            elif there.permission.valid_until < (item.valid_until or 0):
                shorter.append(replace(item, valid_until=there.permission.valid_until))
        tables.records.set_involvements([*shorter, *ended])
        return _clients(tables, ended), _clients(tables, shorter)


def _row_of(held: HeldStub, involvement_id: str) -> PublishedInvolvement | None:
    """An involvement as the log has it last; None if that row has it no longer."""
    found = (item for item in held.row.involvements if item.id == involvement_id)
    return next(found, None)


def _is_narrower(
    there: PublishedInvolvement, ours: Collection[str] | None, *, sensitive: bool
) -> bool:
    """Whether the log shows it to fewer classes than we would: a consent was given anew since. Of a
    sensitive type no classes are nobody, and else everybody.
    """
    if sensitive:
        return not set(ours or ()) <= set(there.shown_to or ())
    if there.shown_to is None:
        return False
    return ours is None or not set(ours) <= set(there.shown_to)


def _clients(tables: NodeTables, works: Iterable[Involvement]) -> tuple[str, ...]:
    return tuple(tables.records.local_ids({item.client for item in works}))
