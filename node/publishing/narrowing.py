"""To whom a consent lets work be shown, where it says: never to more than the charter does.

specs/10-consent.md §3.
"""

from collections.abc import Collection

from node.config import Agreement
from node.store.consents import Consent
from node.store.records import Involvement
from node.store.tables import NodeTables
from protocol.requests.decide import is_shown_to


def shown_to(
    agreement: Agreement, item: Involvement, record: Consent | None
) -> tuple[str, ...] | None:
    """To which classes alone a piece of work is shown: those that the last record of a consent
    names, where the permission rests on consent. None: to whomever the charter says, of a sensitive
    type nobody; of one those classes count that the charter lets meet it, or be told of it.
    """
    basis, kind = agreement.basis(item.permission_basis), agreement.types.get(item.type)
    if record is None or basis is None or basis.permission_class != "consent":
        return None
    if kind is None or kind.openness != "sensitive":
        return record.classes or None
    return tuple(one for one in record.classes if one in kind.may_know) or None


def may_see(
    agreement: Agreement, item: Involvement, record: Consent | None, member_class: str
) -> bool:
    """Whether the last record of a consent leaves a class in, if the permission rests on one; of a
    sensitive type, whether it names a class that the type is brokered to.
    """
    kind, classes = agreement.types.get(item.type), shown_to(agreement, item, record)
    if kind is not None and kind.openness == "sensitive":
        return member_class in kind.brokered_to and member_class in (classes or ())
    return kind is None or is_shown_to(kind, classes, member_class)


def all_shown_to(
    tables: NodeTables, agreement: Agreement, works: Collection[Involvement]
) -> dict[int, tuple[str, ...] | None]:
    """`shown_to` of each of these (by row id) as the hub is told it: nothing of a type that is
    shown to everybody that it is for.
    """
    ours = agreement.types
    kinds = {own for own, kind in ours.items() if kind.openness != "always_findable"}
    told = [item for item in works if item.type in kinds]
    records = tables.consents.newest(item.id for item in told)
    return {item.id: shown_to(agreement, item, records.get(item.id)) for item in told}


def all_seen_by(
    tables: NodeTables, agreement: Agreement, works: Collection[Involvement], member_class: str
) -> list[Involvement]:
    """Those pieces of work of which consents leave this class in."""
    records = tables.consents.newest(item.id for item in works)
    return [item for item in works if may_see(agreement, item, records.get(item.id), member_class)]
