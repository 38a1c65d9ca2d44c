"""What a matching round goes by, read once at its start: charter, members, agreements, the time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from hub.log.ledger import Ledger
from hub.store.stubs import Stub
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.messages.bodies import PublishedInvolvement
from protocol.requests.decide import Shown, decide_show, seen_from
from protocol.requests.hints import Hint, Side, decide_hint
from protocol.requests.spans import in_force, seen_until

Hinted = tuple[Hint, str | None]
"""What is told of work that may not be seen, and the class of a service that can be reached."""

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

    def hint(self, own: Stub, other: Stub, state: str) -> Hinted | None:
        """What the agency of a stub is told of work across a link that it may not see: no more than
        by every charter that binds the two.
        """
        ours, theirs = self.directory.active(own.agency), self.directory.active(other.agency)
        if ours is None or theirs is None or not any(item.shown_to for item in other.involvements):
            return None
        beside = self._domains[theirs.body.member_class] - {ours.body.control_domain}
        viewer = Side(ours.body.member_class, own.involvements)
        holder = Side(theirs.body.member_class, other.involvements, len(beside))
        hints = {
            decide_hint(charter, viewer, holder, state, self.now)
            for charter in self.agreed(own.agency, other.agency)
        }
        says = hints.pop() if len(hints) == 1 else None
        if says is None:
            return None
        return says, theirs.body.member_class if says is Hint.SERVICE else None

    @cached_property
    def _domains(self) -> Mapping[str, set[str]]:
        """By class, the organisations with an active member of it that has signed a charter."""
        found: dict[str, set[str]] = {}
        for body in self.directory.bodies():
            if body.status == "active" and body.party_id in self.directory.accepted:
                found.setdefault(body.member_class, set()).add(body.control_domain)
        return found

    def is_shown_across(self, own: Stub, other: Stub, state: str) -> bool:
        """Whether the agency of a stub may know anything of the one across a link."""
        return any(
            value is not Shown.NOTHING for value in self.shown_across(own, other, state).values()
        )

    def is_shown(self, viewer: str, other: Stub, state: str) -> bool:
        """Whether an agency may know anything of a stub across a link of this state."""
        shown = self.shown(viewer, other, state)
        return any(value is not Shown.NOTHING for value in shown.values())
