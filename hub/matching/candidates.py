"""Who shares a token with whom, and how pairs score beside their rivals (specs/04-matching.md §7).

Remembers what it read for one round. Reads the link tables and writes nothing.
"""

from collections.abc import Mapping

from hub.store.stubs import LinkTables, Stub
from protocol.governance.charter import Charter
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.score import PairScore, contest, score_pair
from protocol.requests.decide import in_force

Tokens = Mapping[str, list[bytes]]
Pair = tuple[str, str]


def sorted_pair(one: str, other: str) -> Pair:
    """Two stub ids as a link names them: the smaller first."""
    return (one, other) if one < other else (other, one)


class CandidateIndex:
    """Stubs, their counted tokens and their candidates, for one round."""

    def __init__(self, links: LinkTables, charter: Charter, now: int) -> None:
        self._links = links
        self._charter = charter
        self._now = now
        self._most = charter.policy.stop_token_records
        self._stubs: dict[str, Stub | None] = {}
        self._counted: dict[str, Tokens] = {}
        self._candidates: dict[str, frozenset[str]] = {}
        # By the policy's identity; the policy is kept beside, so that its identity stays its own.
        self._scores: dict[int, tuple[MatchPolicy, dict[Pair, PairScore]]] = {}

    def stub(self, stub_id: str) -> Stub | None:
        """A stub by id."""
        if stub_id not in self._stubs:
            self._stubs[stub_id] = self._links.stub(stub_id)
        return self._stubs[stub_id]

    def of(self, stub_id: str) -> frozenset[str]:
        """The stubs of other agencies that share a token with this one, stop tokens aside."""
        if stub_id not in self._candidates:
            self._read(stub_id)
        return self._candidates[stub_id]

    def touched(self, stub_id: str) -> set[Pair]:
        """The pairs to look at again when a stub changed: its own, and those that it rivals."""
        stub = self.stub(stub_id)
        linked = {
            row["stub_b"] if row["stub_a"] == stub_id else row["stub_a"]
            for row in self._links.links_of(stub_id)
        }
        pairs = {sorted_pair(stub_id, other) for other in self.of(stub_id) | linked}
        for other in self.of(stub_id):
            pairs |= {
                sorted_pair(other, rival)
                for rival in self.of(other)
                if (known := self.stub(rival)) and stub and known.agency == stub.agency
            }
        return pairs

    def alone(self, policy: MatchPolicy, pair: Pair) -> PairScore:
        """The pair's score before its rivals'."""
        _, scores = self._scores.setdefault(id(policy), (policy, {}))
        if pair not in scores:
            one, other = (self._counted_tokens(stub_id) for stub_id in pair)
            scores[pair] = score_pair(policy, one, other)
        return scores[pair]

    def score(self, policy: MatchPolicy, pair: Pair) -> PairScore:
        """The pair's score after its best rival's."""
        rivals = [self.alone(policy, rival).hundredths for rival in self._rivals(pair)]
        return contest(policy, self.alone(policy, pair), max(rivals, default=None))

    def can_be_shown(self, stub: Stub) -> bool:
        """Whether anything of a stub may be shown now: a permission in force, not all sensitive."""
        kinds = [
            self._charter.involvement_type(item.type)
            for item in stub.involvements
            if not stub.retired and in_force(item, self._now)
        ]
        return any(kind is not None and kind.openness != "sensitive" for kind in kinds)

    def _rivals(self, pair: Pair) -> set[Pair]:
        """Pairs of one of the two with another stub of the other's agency."""
        found: set[Pair] = set()
        for stub_id, other_id in (pair, pair[::-1]):
            other = self.stub(other_id)
            for near_id in self.of(stub_id):
                near = self.stub(near_id)
                if near_id == other_id or near is None or other is None:
                    continue
                if near.agency == other.agency and self.can_be_shown(near):
                    found.add(sorted_pair(stub_id, near_id))
        return found

    def _counted_tokens(self, stub_id: str) -> Tokens:
        if stub_id not in self._counted:
            self._read(stub_id)
        return self._counted[stub_id]

    def _read(self, stub_id: str) -> None:
        """Tokens that few enough stubs hold, and who else holds them."""
        stub = self.stub(stub_id)
        counted: dict[str, list[bytes]] = {}
        near: set[str] = set()
        own = stub.agency if stub else ""
        published = self._links.tokens(stub_id) if stub and not stub.retired else {}
        for key, tokens in published.items():
            for token in tokens:
                holders = self._links.stubs_with(token, key, self._most + 1)
                if len(holders) <= self._most:
                    counted.setdefault(key, []).append(token)
                    near |= {row["stub_id"] for row in holders if row["agency"] != own}
        self._counted[stub_id] = counted
        self._candidates[stub_id] = frozenset(near)
