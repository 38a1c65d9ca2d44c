"""What may be published of clients' work, and how a hub is told of it (specs/04-matching.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from node.config import Agreement
from node.membership.hub import HubMembership
from node.publishing.narrowing import all_shown_to
from node.store.permissions import WHILE_OPEN, At
from node.store.records import Client, Involvement
from node.store.stubs import PublishedInvolvementId
from node.store.tables import NodeTables
from protocol import canonical
from protocol.commitments import commit
from protocol.governance.charter import LawfulBasis
from protocol.governance.involvement_types import InvolvementType
from protocol.messages.bodies import MOST_INVOLVEMENTS, Permission, PublishedInvolvement


@dataclass(frozen=True)
class Shown:
    """An involvement that the charter lets us publish, and its permission; `consent_date` where it
    rests on consent, `shown_to`: the classes to which alone it is shown, None for all.
    """

    involvement: Involvement
    kind: InvolvementType
    basis: LawfulBasis
    valid_until: int
    consent_date: str | None
    shown_to: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """What the service is called, as far as the charter has that."""
        label, labels = self.involvement.label, self.kind.labels
        return label if label in labels else labels[0]


Works = Mapping[int, Sequence[Shown]]
"""What may be published of clients, by row id: of each who has any involvement that may be."""


def works_of(
    membership: HubMembership, tables: NodeTables, clients: Sequence[Client], now: int
) -> Works:
    """What may be published of these clients at a hub."""
    agreement, at = membership.agreement, At(membership.hub.hub_id, now)
    found = tables.records.all_permitted([client.id for client in clients], at)
    findable = tables.findable.of(at.hub_id)
    shown = {client: allowed(agreement, findable, items, now) for client, items in found.items()}
    works = [item.involvement for items in shown.values() for item in items]
    classes = all_shown_to(tables, agreement, works)
    return {
        client: [_to_classes(item, classes.get(item.involvement.id)) for item in items]
        for client, items in shown.items()
        if items
    }


def _to_classes(item: Shown, classes: tuple[str, ...] | None) -> Shown:
    return item if classes is None else replace(item, shown_to=classes)


def allowed(
    agreement: Agreement,
    findable: Mapping[str, str],
    involvements: Iterable[Involvement],
    now: int,
) -> list[Shown]:
    """Those of a type and on a basis that the charter has, and the basis is in force: the one that
    makes the type always findable, if it is in `findable`; work that is over as long as the charter
    says, and not if it is sensitive. What goes on comes first, and no more than a stub takes.

    The same type of work with a mother and her unborn child is shown once.
    """
    items = sorted(
        involvements, key=lambda item: (item.is_over(now), item.for_unborn is not None, item.id)
    )
    types, charter = set[str](), agreement.charter
    shown = []
    for item in items:
        if item.for_unborn is not None and item.type in types:
            continue
        kind = agreement.kind(item.type)
        by_law = None if item.is_over(now) else findable.get(item.type)
        basis = charter.lawful_basis(by_law) if by_law else agreement.basis(item.permission_basis)
        if kind is None or basis is None or basis.in_force != "yes":
            continue
        until, consent = item.valid_until or 0, item.consent_date
        if by_law is not None:
            until, consent = WHILE_OPEN, None
        seen_after = 0 if kind.openness == "sensitive" else charter.past_seconds
        if item.ended_at is None or now < item.ended_at + seen_after:
            types.add(item.type)
            shown.append(Shown(item, kind, basis, until, consent))
    return shown[:MOST_INVOLVEMENTS]


def known_ids(tables: NodeTables, hub_id: str, works: Works) -> dict[int, PublishedInvolvementId]:
    """Under which ids the hub knows these involvements; one that it does not know is left out."""
    wanted = [item.involvement.id for items in works.values() for item in items]
    return tables.stubs.involvement_ids(hub_id, wanted)


def published(shown: Shown, known: PublishedInvolvementId) -> PublishedInvolvement:
    """An involvement as the hub is told of it."""
    facts: canonical.JsonValue = {"basis": shown.basis.code, "consent_date": shown.consent_date}
    return PublishedInvolvement(
        id=known.involvement_id,
        type=shown.kind.code,
        label=shown.label,
        permission=Permission(
            basis_class=shown.basis.permission_class, valid_until=shown.valid_until
        ),
        active_until=shown.involvement.ended_at,
        facts_commitment=commit(bytes.fromhex(known.salt), facts),
        shown_to=shown.shown_to,
    )
