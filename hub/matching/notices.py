"""What each side of a link is to know of it after a round, and what its people are asked.

specs/04-matching.md §7, specs/06-requests.md §5. A side learns what `decide_show` allows and no
more: neither the score, nor what the other side's people said, nor why a link ended.
"""

from collections.abc import Callable

from hub.matching.attention import Attention
from hub.matching.candidates import Tokens
from hub.matching.classify import ClassifiedPair
from hub.matching.evidence import evidence_for
from hub.matching.terms import RoundTerms
from hub.store.links import LinkEnd, LinkHint, Notice
from hub.store.stubs import Stub
from protocol.messages.bodies import ShownInvolvement
from protocol.requests.decide import Shown
from protocol.requests.review import View

SEEN = frozenset({Shown.INVOLVEMENT, Shown.PAST})


class NoticeBuilder:
    """Works out what each side is to know."""

    def __init__(self, terms: RoundTerms, attention: Attention, new_id: Callable[[], str]) -> None:
        self._terms = terms
        self._attention = attention
        self._new_id = new_id

    def ends(self, classified: ClassifiedPair) -> tuple[LinkEnd, LinkEnd]:
        """Both ends of a link: what each side is shown and asked."""
        first, second = classified.stubs
        one, other = classified.tokens
        standing = classified.standing
        return (
            self._end(classified, standing.a, (first, second), (one, other)),
            self._end(classified, standing.b, (second, first), (other, one)),
        )

    def _end(
        self,
        classified: ClassifiedPair,
        view: View,
        stubs: tuple[Stub, Stub],
        tokens: tuple[Tokens, Tokens],
    ) -> LinkEnd:
        """The end that is the first of the two stubs, with its tokens first."""
        viewer, other = stubs
        evidence = evidence_for(self._terms.charter.policy, classified.score, *tokens)
        notice = self._notice(view.shown, viewer, other, evidence)
        held = self._attention.is_held(classified, viewer.agency, other.agency)
        asked = view.asked and notice is not None and not held
        review = classified.question if asked else None
        hint = self._hint(classified, viewer, other)
        return LinkEnd(viewer.agency, viewer.stub_id, notice, review, hint)

    def _hint(self, classified: ClassifiedPair, viewer: Stub, other: Stub) -> LinkHint | None:
        """What an agency is told of work that it may not see; under the id that it knows, while it
        is the same. What people say of the link changes nothing here: it would tell whose this is.
        """
        old = classified.old.end(viewer.agency, viewer.stub_id) if classified.old else None
        hinted = self._terms.hint(viewer, other, classified.standing.state)
        if hinted is None:
            return None
        if old is not None and old.hint is not None and old.hint.hinted == hinted:
            return old.hint
        return LinkHint(self._new_id(), *hinted)

    def _notice(
        self, state: str, viewer: Stub, other: Stub, evidence: tuple[str, int] | None
    ) -> Notice | None:
        """What an agency is to know of a link from its stub to this one, or None for nothing."""
        if not self._terms.is_shown_across(viewer, other, state):
            return None
        shown = self._terms.shown_across(viewer, other, state)
        seen = [item for item, value in shown.items() if value in SEEN]
        return Notice(
            agency_id=other.agency if seen else None,
            involvements=tuple(
                ShownInvolvement(
                    id=item.id, type=item.type, label=item.label, is_past=shown[item] is Shown.PAST
                )
                for item in seen
            ),
            evidence=evidence if seen else None,
        )
