"""A score in words: which kinds of facts agree and which differ, never what they are.

specs/04-matching.md §7.4. For the people who answer for the hub; a node is never told (strength is
never shown). It repeats the sums of the scorer and is trusted with nothing else.
"""

from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import Reads, reads_of
from protocol.matchkeys.score import Outcome, PairScore, is_vetoed

_WORDS = {
    Reads.IDENTIFIER: "checked identifier",
    Reads.GIVEN: "given name",
    Reads.MIDDLE: "middle name",
    Reads.FAMILY: "family name",
    Reads.BORN: "birth date",
    Reads.SEX: "sex",
    Reads.PLACE: "place",
}


def facts_of(key_id: str) -> str:
    """What a key is made from, in words: "given name, birth date and place"."""
    reads = reads_of(key_id)
    words = [_WORDS[fact] for fact in Reads if fact in reads]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or key_id


def explain(policy: MatchPolicy, alone: PairScore, contested: PairScore) -> list[str]:
    """Why a pair is what it is: a sentence a line, from its score before and after its rivals."""
    said = [f"Every pair begins at {policy.bias / 100:.2f}."]
    for key_id in alone.agree:
        said.append(f"{_sentence(key_id)} agree: {policy.keys[key_id].agree / 100:+.2f}.")
    for key_id in alone.disagree:
        said.append(f"{_sentence(key_id)} differ: {policy.keys[key_id].disagree / 100:+.2f}.")
    if cost := contested.hundredths - alone.hundredths:
        said.append(
            f"Another record matches as well or better, there or elsewhere: {cost / 100:.2f}."
        )
    said.append(f"Together {contested.hundredths / 100:.2f}: {_meaning(policy, contested)}.")
    return said


def _sentence(key_id: str) -> str:
    facts = facts_of(key_id)
    return f"{facts[:1].upper()}{facts[1:]} together ({key_id})"


def _meaning(policy: MatchPolicy, score: PairScore) -> str:
    if score.outcome is Outcome.MATCH:
        return "a match"
    if score.outcome is Outcome.NONE:
        return f"nothing, being under {policy.lower / 100:.2f}"
    if score.hundredths < policy.upper:
        return f"possible, being under {policy.upper / 100:.2f}"
    if is_vetoed(policy, score.agree, score.disagree):
        return "possible, because what differs speaks against one person"
    if score.barred:
        return "possible, because another record there matches too"
    return "possible, because the guard asks for more kinds of facts to agree"
