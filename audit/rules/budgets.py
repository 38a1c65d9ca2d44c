"""Evaluations beside published tokens, agency by agency; and members nobody answered for
(specs/08-audit.md §3.11).

Key holders see how many points they evaluate and never which; the log shows how many sets of tokens
were published. Who has far more evaluated than it publishes is trying guesses.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from audit.findings import Finding, FindingCode, rule
from protocol.counted import counted
from protocol.governance.admission import Newcomer, joined_at, needs_endorsement
from protocol.governance.directory import Directory
from protocol.governance.limits import allowed
from protocol.messages.evaluations import EvaluationCountBody
from protocol.messages.statement import Statement

# A batch that one key holder did not answer is evaluated again.
SLACK = 2


class BudgetCheck:
    """Takes the daily counts in log order; the larger of two for a day and an agency holds."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._counts: dict[tuple[str, int, str], int] = {}

    def evaluation_count(
        self, _index: int, statement: Statement[EvaluationCountBody]
    ) -> Iterator[Finding]:
        """Take one statement of a key holder."""
        holder, body = statement.preamble.sender, statement.body
        for item in body.counts:
            key = (holder, body.day, item.party_id)
            self._counts[key] = max(item.evaluations, self._counts.get(key, 0))
        yield from ()

    def finish(self, token_sets: Mapping[str, int]) -> Iterator[Finding]:
        """What does not add up. `token_sets`: published sets of tokens by agency."""
        if not self._directory.charters:
            return
        yield from self._excess(token_sets)
        for party_id, history in self._directory.members.items():
            first = history[0]
            newcomer = Newcomer.of(first.body)
            joined = joined_at(self._directory, party_id)
            if needs_endorsement(self._directory, newcomer, joined, at=first.index):
                detail = f"member {party_id} joined late or is large, and nobody endorsed it"
                yield rule(FindingCode.NOT_ENDORSED, first.index, detail)

    def _excess(self, token_sets: Mapping[str, int]) -> Iterator[Finding]:
        charter = self._directory.charter
        least = charter.quotas.evaluations_at_once
        if least is None:
            return
        in_a_set = sum(key.cap for key in charter.policy.keys.values())
        evaluated: Counter[str] = Counter()
        for (_, _, party_id), count in self._counts.items():
            evaluated[party_id] += count
        for party_id, by_all in sorted(evaluated.items()):
            tokens = by_all // charter.token_key.threshold  # each token is evaluated by so many
            most = token_sets.get(party_id, 0) * in_a_set
            if tokens > SLACK * most + allowed(least, 0):
                detail = (
                    f"agency {party_id} had {counted(tokens, 'value')} evaluated and has published "
                    f"{counted(most, 'token')} at most"
                )
                yield rule(FindingCode.EVALUATIONS_EXCESS, None, detail)
