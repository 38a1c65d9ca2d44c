"""What a matching round goes by, read once at its start: charter, members, agreements, the time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.log.ledger import Ledger
from hub.store.stubs import Stub
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.messages.bodies import PublishedInvolvement
from protocol.requests.decide import Shown, decide_show, in_force, seen_from, seen_until

LEAST_FIRST = (Shown.NOTHING, Shown.POSSIBLE, Shown.PAST, Shown.INVOLVEMENT)


@dataclass(frozen=True)
class RoundTerms:
    """Holds for one round. `agreed`: the charter in force and those that agencies signed, where it
    does not bind them yet.
    """

    directory: Directory
    agreed: Callable[..., tuple[Charter, ...]]
    now: int

    @classmethod
    def of(cls, ledger: Ledger) -> "RoundTerms":
        """The terms as a transaction finds them."""
        return cls(ledger.directory, ledger.terms, ledger.env.clock())

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.directory.charter

    def is_alive(self, stub: Stub) -> bool:
        """Whether a stub may have links: not retired, its agency active, something in force, or
        past and still seen.
        """
        if stub.retired or self.directory.active(stub.agency) is None:
            return False
        charter, now = self.charter, self.now
        return any(now < seen_until(charter, item) for item in stub.involvements)

    def shown(self, viewer: str, other: Stub, state: str) -> Mapping[PublishedInvolvement, Shown]:
        """What an agency may see of a stub across a link of this state."""
        member = self.directory.active(viewer)
        if member is None:
            return {}
        return {
            item: min(
                (
                    decide_show(charter, member.body.member_class, item, state, self.now)
                    for charter in self.agreed(other.agency)
                ),
                key=LEAST_FIRST.index,
            )
            for item in other.involvements
        }

    def shown_across(
        self, own: Stub, other: Stub, state: str
    ) -> Mapping[PublishedInvolvement, Shown]:
        """What the agency of a stub may see of the one across a link: nothing if its own work with
        the client is over, less if that is an enquiry.
        """
        works = any(in_force(item, self.now) for item in own.involvements)
        shown = self.shown(own.agency, other, state) if works else {}
        return {item: seen_from(own.involvements, one, self.now) for item, one in shown.items()}

    def is_shown_across(self, own: Stub, other: Stub, state: str) -> bool:
        """Whether the agency of a stub may know anything of the one across a link."""
        return any(
            value is not Shown.NOTHING for value in self.shown_across(own, other, state).values()
        )

    def is_shown(self, viewer: str, other: Stub, state: str) -> bool:
        """Whether an agency may know anything of a stub across a link of this state."""
        shown = self.shown(viewer, other, state)
        return any(value is not Shown.NOTHING for value in shown.values())
