"""A possible pair that two automatic links support: specs/04-matching.md §7.1.

Pure, for the hub and for `policy evaluate`. Not trusted with finding the third record or what
contradicts: the caller looks that up.
"""

from protocol.matchkeys.score import Outcome, PairScore


def supported(pair: PairScore, first: Outcome, second: Outcome, *, contradicted: bool) -> bool:
    """Whether a pair a-b need not be asked of a person, by its links a-c and c-b.

    Two of the three outcomes are automatic, the third possible and not barred; a supported pair
    supports none.
    """
    automatic = first is Outcome.MATCH and second is Outcome.MATCH
    open_pair = pair.outcome is Outcome.POSSIBLE and not pair.barred
    return open_pair and automatic and not contradicted
