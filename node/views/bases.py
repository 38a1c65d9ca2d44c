"""What a practitioner may choose from when asking: the lawful bases open to this agency."""

from dataclasses import dataclass
from typing import Any

from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.governance.charter import LawfulBasis


@dataclass(frozen=True)
class Offered:
    """Lawful bases in force that this agency's class may ask on, and the titles of purposes."""

    bases: tuple[LawfulBasis, ...]
    purposes: dict[str, str]

    def to(self, member_class: str | None) -> "Offered":
        """Those on which an agency of this class can be asked; None: nobody knows who it is."""
        fits = (item for item in self.bases if member_class in (None, *item.holder_classes))
        return Offered(tuple(fits), self.purposes)

    def for_purpose(self, code: str) -> list[LawfulBasis]:
        """The bases that go with a purpose."""
        return [item for item in self.bases if code in item.purposes]

    def usable(self) -> dict[str, str]:
        """The purposes that some basis here goes with, by code, with their titles."""
        return {code: title for code, title in self.purposes.items() if self.for_purpose(code)}

    def basis(self, code: str) -> LawfulBasis | None:
        """A basis by its code."""
        return next((item for item in self.bases if item.code == code), None)


def offered(_tables: NodeTables, membership: HubMembership) -> Offered:
    """What the charter in force offers. Raises LocalError if we are no active member."""
    charter, own_class = membership.charter, membership.me().body.member_class
    return Offered(
        bases=tuple(
            item
            for item in charter.lawful_bases
            if item.in_force == "yes" and own_class in item.requester_classes
        ),
        purposes={item.code: item.title for item in charter.purposes},
    )


def offered_value(found: Offered) -> list[dict[str, Any]]:
    """Purposes in plain words, each with the bases that go with it and the facts these demand."""
    return [
        {
            "code": code,
            "title": title,
            "bases": [
                {
                    "code": basis.code,
                    "title": basis.title,
                    "source": basis.source,
                    "facts": [rule.model_dump() for rule in basis.must_record],
                }
                for basis in found.for_purpose(code)
            ],
        }
        for code, title in found.usable().items()
    ]


def presettable(
    _tables: NodeTables, membership: HubMembership
) -> tuple[dict[str, str], dict[str, str]]:
    """What a record of this agency's can say: types of involvement, and lawful bases in force on
    which its class may hold; titles by code. Raises LocalError if we are no active member.
    """
    charter, own_class = membership.charter, membership.me().body.member_class
    terms = membership.terms
    types = {own: item.title for own, item in membership.agreement.types.items()}
    known = {
        item.code: item.title
        for item in charter.lawful_bases
        if item.in_force == "yes" and own_class in item.holder_classes
    }
    bases = {code: title for code, title in known.items() if code not in terms.bases.values()}
    bases |= {own: known[code] for own, code in terms.bases.items() if code in known}
    return types, bases
