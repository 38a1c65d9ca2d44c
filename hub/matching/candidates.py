"""Who shares a token with whom, and how pairs score beside their rivals (specs/04-matching.md §7).

Remembers what it read for one round, and reads ahead: `look_around` and `look_at` fetch, in a few
statements, all that the other methods will ask for. Writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from hub.matching.reading import ReadOnce
from hub.store.links import Link
from hub.store.stubs import NO_TOKENS, HeldTokens, Holder, Stub, TypedToken
from hub.store.tables import HubTables
from protocol.governance.charter import Charter
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import (
    Fits,
    PairScore,
    contest,
    fits,
    is_duplicate,
    rivals_of,
    score_pair,
)
from protocol.requests.decide import in_force
from protocol.requests.review import Answer

Tokens = Mapping[str, Sequence[bytes]]
Pair = tuple[str, str]


def sorted_pair(one: str, other: str) -> Pair:
    """Two stub ids as a link names them: the smaller first."""
    return (one, other) if one < other else (other, one)


class CandidateIndex:
    """Stubs, their counted tokens, their candidates and their links, for one round."""

    def __init__(self, tables: HubTables, charter: Charter, now: int) -> None:
        self._charter = charter
        self._now = now
        self._most = charter.policy.stop_token_records
        holders = partial(tables.stubs.holders, most=self._most + 1)
        self.stubs = ReadOnce[str, Stub | None](tables.stubs.among, None)
        self.tokens = ReadOnce[str, HeldTokens](tables.stubs.tokens_of, NO_TOKENS)
        self.links = ReadOnce[str, Sequence[Link]](tables.links.links_of, ())
        self.answers = ReadOnce[str, Mapping[str, Answer]](tables.links.answers_of, {})
        self._holders = ReadOnce[TypedToken, Sequence[Holder]](holders, ())
        self._counted: dict[str, Tokens] = {}
        self._candidates: dict[str, frozenset[str]] = {}
        # By the policy's identity; the policy is kept beside, so that its identity stays its own.
        self._scores: dict[int, tuple[MatchPolicy, dict[Pair, PairScore]]] = {}

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

    def between(self, pair: Pair) -> Link | None:
        """The link between two stubs, ended ones too."""
        return next((link for link in self.links[pair[0]] if link.pair == pair), None)

    def of(self, stub_id: str) -> frozenset[str]:
        """The stubs of other agencies that share a token with this one, stop tokens aside."""
        if stub_id not in self._candidates:
            self._read([stub_id])
        return self._candidates[stub_id]

    def touched(self, stub_id: str) -> set[Pair]:
        """The pairs to look at again when a stub changed: its own, and those that it stands
        against, at its agency and elsewhere.
        """
        linked = {link.across(stub_id).stub_id for link in self.links[stub_id]}
        pairs = {sorted_pair(stub_id, other) for other in self.of(stub_id) | linked}
        for other in self.of(stub_id):
            pairs |= {sorted_pair(other, rival) for rival in self.of(other)}
        return pairs

    def alone(self, policy: MatchPolicy, pair: Pair) -> PairScore:
        """The pair's score before its rivals'."""
        _, scores = self._scores.setdefault(id(policy), (policy, {}))
        if pair not in scores:
            one, other = (self._counted_tokens(stub_id) for stub_id in pair)
            scores[pair] = score_pair(policy, one, other)
        return scores[pair]

    def score(self, policy: MatchPolicy, pair: Pair) -> PairScore:
        """The pair's score after its rivals."""
        alone = self.alone(policy, pair)
        a, b = (self._fits(policy, stub_id, pair) for stub_id in pair)

        def duplicates(one: str, other: str) -> bool:
            return is_duplicate(policy, self.alone(policy, sorted_pair(one, other)))

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

    def can_be_shown(self, stub: Stub) -> bool:
        """Whether anything of a stub may be shown now: a permission in force, not all sensitive."""
        kinds = [
            self._charter.involvement_type(item.type)
            for item in stub.involvements
            if not stub.retired and in_force(item, self._now)
        ]
        return any(kind is not None and kind.openness != "sensitive" for kind in kinds)

    def _fits(self, policy: MatchPolicy, stub_id: str, pair: Pair) -> Fits[str]:
        """How a stub of the pair fits those near it: the other one, and whoever can be shown."""
        near = [
            (known.agency, self.alone(policy, sorted_pair(stub_id, other)).hundredths, other)
            for other in self.of(stub_id)
            if (known := self.stubs[other]) and (other in pair or self.can_be_shown(known))
        ]
        stub = self.stubs[stub_id]
        return fits(stub_id, stub.agency if stub else "", near)

    def _counted_tokens(self, stub_id: str) -> Tokens:
        if stub_id not in self._counted:
            self._read([stub_id])
        return self._counted[stub_id]

    def _read(self, stub_ids: Collection[str]) -> None:
        """Tokens that few enough stubs hold, and who else holds them."""
        new = {stub_id for stub_id in stub_ids if stub_id not in self._counted}
        self.stubs.fetch(new)
        self.tokens.fetch(new)
        published = {stub_id: self._published(stub_id) for stub_id in new}
        self._holders.fetch(
            (key, token)
            for tokens in published.values()
            for key, values in tokens.items()
            for token in values
        )
        for stub_id, tokens in published.items():
            self._count(stub_id, tokens)

    def _published(self, stub_id: str) -> Tokens:
        stub = self.stubs[stub_id]
        return self.tokens[stub_id].by_key if stub and not stub.retired else {}

    def _count(self, stub_id: str, published: Tokens) -> None:
        stub = self.stubs[stub_id]
        own = stub.agency if stub else ""
        counted: dict[str, list[bytes]] = {}
        near: set[str] = set()
        for key, tokens in published.items():
            for token in tokens:
                holders = self._holders[key, token]
                if len(holders) <= self._most:
                    counted.setdefault(key, []).append(token)
                    near |= {holder.stub_id for holder in holders if holder.agency != own}
        self._counted[stub_id] = counted
        self._candidates[stub_id] = frozenset(near)
