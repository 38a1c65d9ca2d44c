"""What each pair of a round is: score, people's answers, support (specs/04-matching.md §7 and 7.1).

Looks only at pairs around stubs that changed, and at those whose support may have changed with
them. Reads the link tables and writes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hub.log.ledger import Ledger
from hub.matching.candidates import CandidateIndex, Pair, Tokens
from hub.store.stubs import LinkTables, Stub
from protocol.matchkeys.score import Outcome, PairScore
from protocol.matchkeys.support import ids_conflict, supported
from protocol.requests.decide import in_force
from protocol.requests.review import ENDED, Answer, Said, Standing, kept_from, question_of, review
from storage.engine import Row

LEAST_FIRST = (Outcome.NONE, Outcome.POSSIBLE, Outcome.MATCH)


@dataclass(frozen=True)
class ClassifiedPair:
    """A pair as this round sees it; `old` is its link as the last round left it.

    `later` is the side (0 or 1) that came second, where nothing but places agrees.
    """

    stubs: tuple[Stub, Stub]
    tokens: tuple[Tokens, Tokens]
    score: PairScore
    alive: bool
    question: str
    answers: tuple[Answer | None, Answer | None]
    old: Row | None
    origin: str
    standing: Standing
    later: int | None = None

    @property
    def pair(self) -> Pair:
        """The two stub ids, sorted."""
        return self.stubs[0].stub_id, self.stubs[1].stub_id

    @property
    def denied(self) -> bool:
        """Whether one side says now that these are two people."""
        return any(
            answer is not None and (answer.said, answer.question) == (Said.NOT_SAME, self.question)
            for answer in self.answers
        )

    @property
    def automatic(self) -> bool:
        """Whether the score alone makes this a match and nobody denies it."""
        return (self.standing.state, self.origin) == ("match", "score")

    @property
    def moved(self) -> bool:
        """Whether the link is another than the last round left it."""
        before = (self.old["state"], self.old["origin"]) if self.old else ("ended", "score")
        return before != (self.standing.state, self.origin)


class PairClassifier:
    """Judges the pairs of one round."""

    def __init__(
        self, links: LinkTables, candidates: CandidateIndex, ledger: Ledger, now: int
    ) -> None:
        self._links = links
        self._candidates = candidates
        self._ledger = ledger
        self._policy = ledger.charter.policy
        self._now = now
        self.classified: dict[Pair, ClassifiedPair] = {}
        self._by_stub: dict[str, list[ClassifiedPair]] = {}
        self._matches: dict[str, dict[str, str]] = {}

    def classify(self, pair: Pair) -> None:
        """Judge one pair by its score and its people's answers."""
        stubs = (self._candidates.stub(pair[0]), self._candidates.stub(pair[1]))
        first, second = stubs
        if first is None or second is None:
            return
        old = self._links.between(*pair)
        tokens = (self._links.tokens(pair[0]), self._links.tokens(pair[1]))
        said = self._links.answers(old["link_id"]) if old else {}
        classified = ClassifiedPair(
            stubs=(first, second),
            tokens=tokens,
            score=self._score(pair, (first.agency, second.agency)),
            alive=all(self._alive(stub) for stub in (first, second)),
            question=question_of(list(zip(pair, tokens, strict=True))),
            answers=(said.get(first.agency), said.get(second.agency)),
            old=old,
            origin="score",
            standing=ENDED,
        )
        classified = replace(classified, later=self._later(classified))
        classified = _settled(classified, classified.score.outcome)
        self.classified[pair] = classified
        for stub_id in pair:
            self._by_stub.setdefault(stub_id, []).append(classified)

    def support(self) -> None:
        """Take what two automatic links support out of the queue, and put back what none do."""
        moved = [classified for classified in self.classified.values() if classified.moved]
        open_pairs = {pair: None for classified in moved for pair in self._around(classified)}
        for pair in open_pairs:
            if pair not in self.classified:
                self.classify(pair)
            classified = self.classified.get(pair)
            if classified is not None and self._is_supported(classified):
                self.classified[pair] = _settled(classified, Outcome.MATCH)

    def _score(self, pair: Pair, agencies: tuple[str, str]) -> PairScore:
        """The score, with no more of an outcome than each agency has signed.

        See specs/02-charter.md §7.
        """
        score = self._candidates.score(self._policy, pair)
        others = [charter.policy for charter in self._ledger.terms(*agencies)[1:]]
        outcomes = [score.outcome, *(self._candidates.score(old, pair).outcome for old in others)]
        return replace(score, outcome=min(outcomes, key=LEAST_FIRST.index))

    def _later(self, classified: ClassifiedPair) -> int | None:
        """Which side came second to what they share, if that is places alone."""
        agree = [self._policy.keys[key] for key in classified.score.agree]
        if not agree or not all(key.place for key in agree):
            return None
        since = self._links.shared_since(*classified.pair)
        return since.index(max(since)) if since else None

    def _alive(self, stub: Stub) -> bool:
        if stub.retired or self._ledger.directory.active(stub.agency) is None:
            return False
        return any(in_force(item, self._now) for item in stub.involvements)

    def _around(self, classified: ClassifiedPair) -> list[Pair]:
        """Pairs whose support may hang on this one: those that are not settled by their score."""
        stub_ids = {*classified.pair}
        for stub_id in classified.pair:
            stub_ids |= self._automatic(stub_id).keys()
        pairs = [classified.pair]
        for stub_id in stub_ids:
            pairs += [item.pair for item in self._by_stub.get(stub_id, ())]
            pairs += [
                (row["stub_a"], row["stub_b"])
                for row in self._links.links_of(stub_id)
                if row["state"] == "possible" or row["origin"] == "supported"
            ]
        return pairs

    def _is_supported(self, classified: ClassifiedPair) -> bool:
        if not classified.alive:
            return False
        first, second = (self._automatic(stub_id) for stub_id in classified.pair)
        for third in first.keys() & second.keys():
            candidates = (first, second, self._automatic(third))
            contradicted = (
                classified.denied
                or ids_conflict(self._policy, classified.score)
                or any(_has_rival(classified, matches) for matches in candidates)
            )
            if supported(
                classified.score.outcome, Outcome.MATCH, Outcome.MATCH, contradicted=contradicted
            ):
                return True
        return False

    def _automatic(self, stub_id: str) -> dict[str, str]:
        """The stubs that a stub is automatically linked to, each with its agency."""
        if stub_id not in self._matches:
            found = {}
            for row in self._links.links_of(stub_id):
                known = self.classified.get((row["stub_a"], row["stub_b"]))
                stored = (row["state"], row["origin"]) == ("match", "score")
                if known.automatic if known else stored:
                    side = "b" if row["stub_a"] == stub_id else "a"
                    found[row[f"stub_{side}"]] = row[f"agency_{side}"]
            for classified in self._by_stub.get(stub_id, ()):
                other = classified.stubs[1 if classified.pair[0] == stub_id else 0]
                if classified.automatic:
                    found[other.stub_id] = other.agency
            self._matches[stub_id] = found
        return self._matches[stub_id]


def _has_rival(classified: ClassifiedPair, matches: Mapping[str, str]) -> bool:
    """Whether somebody else of one end's agency is linked to one of the three records."""
    agencies = {stub.agency for stub in classified.stubs}
    return any(
        agency in agencies and stub_id not in classified.pair for stub_id, agency in matches.items()
    )


def _settled(classified: ClassifiedPair, outcome: Outcome) -> ClassifiedPair:
    """The pair with its standing, once it is known what its score and support come to."""
    if not classified.alive:
        return replace(classified, standing=ENDED, origin="score")
    standing = review(outcome, classified.question, *classified.answers)
    if classified.later is not None:
        earlier = classified.answers[1 - classified.later]
        standing = kept_from(standing, "ab"[classified.later], earlier, classified.question)
    origin = "score"
    if standing.state == "match":
        if outcome is not Outcome.MATCH:
            origin = "people"
        elif classified.score.outcome is not Outcome.MATCH:
            origin = "supported"
        elif classified.denied:
            origin = "doubted"
    return replace(classified, standing=standing, origin=origin)
