"""What each pair of a round is: score, people's answers, support (specs/04-matching.md §7 and 7.1).

Looks only at pairs around stubs that changed, and at those whose support may have changed with
them. Reads through the round's CandidateIndex, ahead of each step, and writes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from hub.matching.candidates import CandidateIndex, Pair, Tokens, sorted_pair
from hub.matching.sight import Viewers
from hub.matching.terms import RoundTerms
from hub.store.links import Link, LinkState, Origin
from hub.store.stubs import Stub
from protocol.matchkeys.score import Outcome, PairScore
from protocol.matchkeys.support import supported
from protocol.requests.review import (
    ENDED,
    Answer,
    Said,
    Standing,
    View,
    kept_from,
    question_of,
    review,
)

LEAST_FIRST = (Outcome.NONE, Outcome.POSSIBLE, Outcome.MATCH)


@dataclass(frozen=True)
class ClassifiedPair:
    """A pair as this round sees it; `old` is its link as the last round left it.

    `second` is the side (0 or 1) that came later to what they share; `later` the same, where
    nothing but places agrees.
    """

    stubs: tuple[Stub, Stub]
    tokens: tuple[Tokens, Tokens]
    score: PairScore
    alive: bool
    question: str
    answers: tuple[Answer | None, Answer | None]
    old: Link | None
    origin: Origin
    standing: Standing
    second: int | None = None
    later: int | None = None

    @property
    def pair(self) -> Pair:
        """The two stub ids, sorted."""
        return self.stubs[0].stub_id, self.stubs[1].stub_id

    @property
    def views(self) -> tuple[View, View]:
        """The view of each side."""
        return self.standing.a, self.standing.b

    @property
    def denied(self) -> bool:
        """Whether one side says now that these are two people."""
        return any(self.is_denied_by(side) for side in (0, 1))

    def is_denied_by(self, side: int) -> bool:
        """Whether that side (0 or 1) says so."""
        answer = self.answers[side]
        return answer is not None and (answer.said, answer.question) == (
            Said.NOT_SAME,
            self.question,
        )


class PairClassifier:
    """Works out what each pair of one round is."""

    def __init__(self, candidates: CandidateIndex, terms: RoundTerms) -> None:
        self._candidates = candidates
        self._terms = terms
        self._policy = terms.charter.policy
        self.classified: dict[Pair, ClassifiedPair] = {}
        self._matches: dict[tuple[str, Viewers], dict[str, str]] = {}

    def classify(self, pairs: Collection[Pair]) -> None:
        """Classify pairs by their scores and their people's answers."""
        self._candidates.look_at(pairs)
        for pair in pairs:
            self._classify(pair)

    def support(self) -> None:
        """Take what two automatic links support out of the queue, and put back what none do."""
        near = [
            pair for classified in self.classified.values() for pair in self._around(classified)
        ]
        open_pairs = dict.fromkeys([*self.classified, *near])
        self._candidates.look_at([pair for pair in open_pairs if pair not in self.classified])
        for pair in open_pairs:
            if pair not in self.classified:
                self._classify(pair)
        waiting = [
            classified
            for pair in open_pairs
            if (classified := self.classified.get(pair)) is not None
            and classified.alive
            and classified.score.outcome is Outcome.POSSIBLE
        ]
        self._candidates.look_behind(self._policy, [classified.pair for classified in waiting])
        for classified in waiting:
            if self._is_supported(classified):
                self.classified[classified.pair] = _settled(classified, Outcome.MATCH)

    def _classify(self, pair: Pair) -> None:
        classified = self._at(pair)
        if classified is not None:
            self.classified[pair] = classified

    def _at(self, pair: Pair) -> ClassifiedPair | None:
        """A pair by its score and its people's answers; None if a stub is not there."""
        first, second = (self._candidates.stubs[stub_id] for stub_id in pair)
        if first is None or second is None:
            return None
        old = self._candidates.between(pair)
        one, other = (self._candidates.tokens[stub_id].by_key for stub_id in pair)
        said = self._candidates.answers[old.link_id] if old else {}
        classified = ClassifiedPair(
            stubs=(first, second),
            tokens=(one, other),
            score=self._score(pair),
            alive=all(self._terms.is_alive(stub) for stub in (first, second)),
            question=question_of(list(zip(pair, (one, other), strict=True))),
            answers=(said.get(first.agency), said.get(second.agency)),
            old=old,
            origin=Origin.SCORE,
            standing=ENDED,
        )
        since = self._candidates.shared_since(pair)
        classified = replace(classified, second=since.index(max(since)) if since else None)
        classified = replace(classified, later=self._later(classified))
        return _settled(classified, classified.score.outcome)

    def _score(self, pair: Pair, viewers: Viewers | None = None) -> PairScore:
        """The score, with no more of an outcome than each agency has signed.

        See specs/02-charter.md §7.
        """
        agencies = self._candidates.agencies(pair)
        score = self._candidates.score(self._policy, pair, viewers)
        others = [charter.policy for charter in self._terms.agreed(*sorted(agencies))[1:]]
        scores = [score, *(self._candidates.score(old, pair, viewers) for old in others)]
        least = min((each.outcome for each in scores), key=LEAST_FIRST.index)
        return replace(score, outcome=least, barred=any(each.barred for each in scores))

    def _later(self, classified: ClassifiedPair) -> int | None:
        """Which side came second to what they share, if that is places alone."""
        agree = [self._policy.keys[key] for key in classified.score.agree]
        if not agree or not all(key.place for key in agree):
            return None
        return classified.second

    def _around(self, classified: ClassifiedPair) -> list[Pair]:
        """Pairs whose support may hang on this one: those that are not settled by their score."""
        pair = classified.pair
        alone = self._candidates.alone(self._policy, pair).outcome
        if classified.old is None and alone is not Outcome.MATCH:
            return []
        stub_ids = {*pair}.union(*(self._candidates.of(end) for end in pair))
        self._candidates.links.fetch(stub_ids)
        return [
            link.pair
            for stub_id in stub_ids
            for link in self._candidates.links[stub_id]
            if link.state is LinkState.POSSIBLE or link.origin is Origin.SUPPORTED
        ]

    def _is_supported(self, classified: ClassifiedPair) -> bool:
        """Whether a third record joins the two, among those that both their agencies may see."""
        viewers = self._candidates.agencies(classified.pair)
        first, second = (self._automatic(stub_id, viewers) for stub_id in classified.pair)
        for third in first.keys() & second.keys():
            candidates = (first, second, self._automatic(third, viewers))
            contradicted = classified.denied or any(
                _has_rival(classified, matches) for matches in candidates
            )
            if supported(classified.score, Outcome.MATCH, Outcome.MATCH, contradicted=contradicted):
                return True
        return False

    def _automatic(self, stub_id: str, viewers: Viewers) -> dict[str, str]:
        """The stubs that a stub is automatically linked to, each with its agency, as if there were
        nothing but what all these agencies may see.
        """
        key = (stub_id, viewers)
        if key not in self._matches:
            stubs, sight = self._candidates.stubs, self._candidates.sight
            near = (stubs[near_id] for near_id in self._candidates.of(stub_id, viewers))
            self._matches[key] = {
                other.stub_id: other.agency
                for other in near
                if other is not None
                and sight.all_see(viewers, other)
                and self._is_automatic(sorted_pair(stub_id, other.stub_id), viewers)
            }
        return self._matches[key]

    def _is_automatic(self, pair: Pair, viewers: Viewers) -> bool:
        """Whether the score alone makes a pair a match and nobody denies it."""
        if self._candidates.alone(self._policy, pair, viewers).outcome is not Outcome.MATCH:
            return False
        if self._score(pair, viewers).outcome is not Outcome.MATCH:
            return False
        found = self.classified.get(pair) or self._at(pair)
        return found is not None and found.alive and not found.denied


def _has_rival(classified: ClassifiedPair, matches: Mapping[str, str]) -> bool:
    """Whether somebody else of one end's agency is linked to one of the three records."""
    agencies = {stub.agency for stub in classified.stubs}
    return any(
        agency in agencies and stub_id not in classified.pair for stub_id, agency in matches.items()
    )


def _settled(classified: ClassifiedPair, outcome: Outcome) -> ClassifiedPair:
    """The pair with its standing, once it is known what its score and support come to."""
    if not classified.alive:
        return replace(classified, standing=ENDED, origin=Origin.SCORE)
    standing = review(outcome, classified.question, *classified.answers)
    if classified.later is not None:
        earlier = classified.answers[1 - classified.later]
        standing = kept_from(standing, "ab"[classified.later], earlier, classified.question)
    origin = Origin.SCORE
    if standing.state == LinkState.MATCH:
        if outcome is not Outcome.MATCH:
            origin = Origin.PEOPLE
        elif classified.score.outcome is not Outcome.MATCH:
            origin = Origin.SUPPORTED
        elif classified.denied:
            origin = Origin.DOUBTED
    return replace(classified, standing=standing, origin=origin)
