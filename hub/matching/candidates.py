"""Who shares a token with whom, and how pairs score beside their rivals (specs/04-matching.md §7).

What others add to a pair counts only as far as all its `viewers` may see them: the agencies of both
ends unless others are named (§7.8). Remembers what it read for one round, and reads ahead:
`look_around` and `look_at` fetch, in a few statements, all that the other methods will ask for.
Writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence

from hub.matching.reading import ReadOnce
from hub.matching.sight import Sight, Viewers
from hub.matching.terms import RoundTerms
from hub.store.links import Link
from hub.store.stubs import NO_TOKENS, HeldTokens, Holder, Stub, TypedToken
from hub.store.tables import HubTables
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import (
    Fits,
    Outcome,
    PairScore,
    contest,
    fits,
    is_duplicate,
    rivals_of,
    score_pair,
)
from protocol.requests.review import Answer

Tokens = Mapping[str, Sequence[bytes]]
Pair = tuple[str, str]


def sorted_pair(one: str, other: str) -> Pair:
    """Two stub ids as a link names them: the smaller first."""
    return (one, other) if one < other else (other, one)


class CandidateIndex:
    """Stubs, their counted tokens, their candidates and their links, for one round."""

    def __init__(self, tables: HubTables, terms: RoundTerms) -> None:
        self.sight = Sight(terms)
        self._most = terms.charter.policy.stop_token_records
        self.stubs = ReadOnce[str, Stub | None](tables.stubs.among, None)
        self.tokens = ReadOnce[str, HeldTokens](tables.stubs.tokens_of, NO_TOKENS)
        self.links = ReadOnce[str, Sequence[Link]](tables.links.links_of, ())
        self.answers = ReadOnce[str, Mapping[str, Answer]](tables.links.answers_of, {})
        self._holders = ReadOnce[TypedToken, Sequence[Holder]](tables.stubs.holders, ())
        self._published: dict[str, Tokens] = {}
        self._candidates: dict[tuple[str, Viewers | None], frozenset[str]] = {}
        self._crowded: dict[str, frozenset[TypedToken]] = {}
        self._counts: dict[tuple[TypedToken, Viewers], bool] = {}
        # By the policy's identity; the policy is kept beside, so that its identity stays its own.
        self._scores: dict[int, tuple[MatchPolicy, dict[tuple[Pair, Viewers], PairScore]]] = {}

    def look_around(self, stub_ids: Collection[str]) -> None:
        """Read what `touched` will ask for about stubs that changed."""
        self.links.fetch(stub_ids)
        self._read(stub_ids)
        near = {other for stub_id in stub_ids for other in self.of(stub_id)}
        self._read(near)
        self.stubs.fetch(rival for other in near for rival in self.of(other))

    def look_at(self, pairs: Collection[Pair]) -> None:
        """Read what will be asked about pairs: scores, links, answers, and what supports them."""
        ends = {stub_id for pair in pairs for stub_id in pair}
        self._read(ends)
        self.links.fetch(ends)  # and of whoever they are linked to: support may hang on them
        self.links.fetch(link.across(end).stub_id for end in ends for link in self.links[end])
        links = (self.between(pair) for pair in pairs)
        self.answers.fetch(link.link_id for link in links if link is not None)
        self._read({near for stub_id in ends for near in self.of(stub_id)})

    def look_behind(self, policy: MatchPolicy, pairs: Collection[Pair]) -> None:
        """Read what may support pairs or stand against it: whom they and those near them match."""
        ends = {end for pair in pairs for end in pair}
        near = ends.union(*(self.of(end) for end in ends))
        self._read(near)
        self._read({other for stub_id in near for other in self.of(stub_id)})
        around = {sorted_pair(one, other) for one in near for other in self.of(one)}
        self.look_at([pair for pair in around if self.alone(policy, pair).outcome is Outcome.MATCH])

    def between(self, pair: Pair) -> Link | None:
        """The link between two stubs, ended ones too."""
        return next((link for link in self.links[pair[0]] if link.pair == pair), None)

    def agencies(self, pair: Pair) -> Viewers:
        """The agencies of both ends."""
        return frozenset(stub.agency for end in pair if (stub := self.stubs[end]) is not None)

    def of(self, stub_id: str, viewers: Viewers | None = None) -> frozenset[str]:
        """The stubs of other agencies that share a token with this one, stop tokens aside."""
        key = (stub_id, viewers)
        if key not in self._candidates:
            self._read([stub_id])
            stub = self.stubs[stub_id]
            own = stub.agency if stub else ""
            self._candidates[key] = frozenset(
                holder.stub_id
                for typed in _typed(self._published[stub_id])
                for holder in self._holders[typed]
                if holder.agency != own
                and self._is_counted(typed, viewers or frozenset({own, holder.agency}))
            )
        return self._candidates[key]

    def touched(self, stub_id: str) -> set[Pair]:
        """The pairs to look at again when a stub changed: its own, and those that it stands
        against, at its agency and elsewhere.
        """
        linked = {link.across(stub_id).stub_id for link in self.links[stub_id]}
        pairs = {sorted_pair(stub_id, other) for other in self.of(stub_id) | linked}
        for other in self.of(stub_id):
            pairs |= {sorted_pair(other, rival) for rival in self.of(other)}
        return pairs

    def alone(self, policy: MatchPolicy, pair: Pair, viewers: Viewers | None = None) -> PairScore:
        """The pair's score before its rivals'."""
        _, scores = self._scores.setdefault(id(policy), (policy, {}))
        key = (pair, viewers or self.agencies(pair))
        if key not in scores:
            one, other = (self._counted_tokens(stub_id, key[1]) for stub_id in pair)
            scores[key] = score_pair(policy, one, other)
        return scores[key]

    def score(self, policy: MatchPolicy, pair: Pair, viewers: Viewers | None = None) -> PairScore:
        """The pair's score after its rivals."""
        seen_by = viewers or self.agencies(pair)
        alone = self.alone(policy, pair, seen_by)
        a, b = (self._fits(policy, stub_id, pair, seen_by) for stub_id in pair)

        def duplicates(one: str, other: str) -> bool:
            return is_duplicate(policy, self.alone(policy, sorted_pair(one, other), seen_by))

        return contest(policy, alone, rivals_of(policy, alone.hundredths, a, b, duplicates))

    def shared_since(self, pair: Pair) -> tuple[int, int] | None:
        """Log indexes at which the two came by the token that they have shared the longest."""
        one, other = (self.tokens[stub_id] for stub_id in pair)
        shared = [
            (one.since[token], other.since[token])
            for key, tokens in one.by_key.items()
            for token in set(tokens).intersection(other.by_key.get(key, ()))
        ]
        return min(shared, key=max, default=None)

    def _fits(self, policy: MatchPolicy, stub_id: str, pair: Pair, viewers: Viewers) -> Fits[str]:
        """How a stub of the pair fits those near it: the other, and whom all viewers may see."""
        near = [
            (
                known.agency,
                self.alone(policy, sorted_pair(stub_id, other), viewers).hundredths,
                other,
            )
            for other in self.of(stub_id, viewers)
            if (known := self.stubs[other])
            and (other in pair or self.sight.all_see(viewers, known))
        ]
        stub = self.stubs[stub_id]
        return fits(stub_id, stub.agency if stub else "", near)

    def _counted_tokens(self, stub_id: str, viewers: Viewers) -> Tokens:
        """What a stub has published, without what too many stubs hold."""
        self._read([stub_id])
        published, crowded = self._published[stub_id], self._crowded[stub_id]
        if not crowded:
            return published
        return {
            key: [token for token in tokens if self._is_counted((key, token), viewers)]
            for key, tokens in published.items()
        }

    def _is_counted(self, typed: TypedToken, viewers: Viewers) -> bool:
        """Whether few enough stubs hold a token, of those that all these agencies may see."""
        holders = self._holders[typed]
        if len(holders) <= self._most:
            return True
        key = (typed, viewers)
        if key not in self._counts:
            self.stubs.fetch(holder.stub_id for holder in holders)
            held_by = (self.stubs[holder.stub_id] for holder in holders)
            seen = [stub for stub in held_by if stub and self.sight.all_see(viewers, stub)]
            self._counts[key] = len(seen) <= self._most
        return self._counts[key]

    def _read(self, stub_ids: Collection[str]) -> None:
        """Tokens, and who else holds them."""
        new = {stub_id for stub_id in stub_ids if stub_id not in self._published}
        if not new:
            return
        self.stubs.fetch(new)
        self.tokens.fetch(new)
        for stub_id in new:
            stub = self.stubs[stub_id]
            alive = stub is not None and not stub.retired
            self._published[stub_id] = self.tokens[stub_id].by_key if alive else {}
        self._holders.fetch(typed for stub_id in new for typed in _typed(self._published[stub_id]))
        for stub_id in new:
            self._crowded[stub_id] = frozenset(
                typed
                for typed in _typed(self._published[stub_id])
                if len(self._holders[typed]) > self._most
            )


def _typed(tokens: Tokens) -> list[TypedToken]:
    return [(key, token) for key, values in tokens.items() for token in values]
