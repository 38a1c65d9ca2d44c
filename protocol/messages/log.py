"""Bodies that keep a log honest over time: specs/02-charter.md §8, specs/05-log.md §14 to §16.

Shape only: keys rotate, each agency's journal is compared with the log daily, a card may leave
before a quorum has signed where the law allows it, a lost log has a successor, and a node that came
back from a backup learns what it missed.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.fields import Base64, Count, Hex16, Hex32, Origin, Seconds, WireModel
from protocol.messages.key_record import KeyRecord

Stage = Literal["disclosures", "payload"]
Decider = Literal["schedule", "operator"]
Rule = Literal["disclosure_days", "retention_days"]


class RotationBody(WireModel):
    """`rotation`: a member puts new keys in the place of those of one `member` leaf.

    Signed by the offline recovery key, whose SHA-256 that leaf holds; `possession` is by the new
    `sign` key. Stands in the next `member` leaf in the place of the enrolment.
    """

    party_id: Hex16
    replaces: Hex32
    keys: KeyRecord
    recovery_key: Hex32
    possession: Base64


class DailyStatementBody(WireModel):
    """`daily_statement`: which entries of [start, end) name an agency, as a count and a hash; and
    how many of its statements were refused over quota (absent in earlier logs).
    """

    day: Annotated[int, Field(ge=0, le=10**6)]
    start: Count
    end: Count
    count: Count
    indexes_hash: Hex32
    over_quota: Count | None = None


class StatementAnswerBody(WireModel):
    """`statement_answer`: whether an agency's own journal says the same, and what it says."""

    statement: Hex32
    answer: Literal["agree", "differ"]
    count: Count
    indexes_hash: Hex32
    over_quota: Count | None = None


class ProvisionalBody(WireModel):
    """`provisional`: a card leaves while the quorum is missing, for a code that allows it.

    `keep_until` as in a release.
    """

    request_id: Hex16
    decision: Hex32
    seal_key: Hex32
    sealed_hash: Hex32
    tree_size: Count
    keep_until: Seconds | None = None


class ResyncBody(WireModel):
    """`resync`: a member that came back from a backup asks for what names it from `start` on."""

    start: Count


class SuccessionBody(WireModel):
    """`succession`: entry 0 of a log that takes the place of a lost one.

    `note` is the last checkpoint of the old log that its witnesses signed; `held` says how many of
    its entries the hub still has.
    """

    old_genesis: Hex32
    old_origin: Origin
    note: Base64
    held: Count
    charter: Hex32


class ErasureBody(WireModel):
    """`erasure`: the hub erased what it held of an entry, by a rule of the charter.

    Stands in an erasure leaf for all to see, so it holds no party and no reason in words.
    """

    index: Count
    stage: Stage
    rule: Rule
    logged_at: Seconds
    decided_by: Decider
