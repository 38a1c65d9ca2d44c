"""What an audit finds: values with a severity, a stable code, a place and a sentence.

specs/08-audit.md §4. A detail names paths, indexes, ids and codes, never a person. Findings are
collected, not raised: one broken thing must not hide the next.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad: proof of tampering, something absent, or an intact log of a broken rule."""

    BROKEN = "broken"
    MISSING = "missing"
    RULE = "rule"


class FindingCode(StrEnum):
    """Every code a finding may carry. Never renamed once released."""

    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_MALFORMED = "checkpoint_malformed"
    CHECKPOINT_SIGNATURE = "checkpoint_signature"
    NO_QUORUM = "no_quorum"
    NO_CHARTER = "no_charter"
    DIRECTORY_LOST = "directory_lost"
    CHARTER_MISSING = "charter_missing"
    GENESIS_DIFFERS = "genesis_differs"
    BUNDLE_MISSING = "bundle_missing"
    ENTRY_CHANGED = "entry_changed"
    TILE_MISSING = "tile_missing"
    TILE_CHANGED = "tile_changed"
    TILE_EXTRA = "tile_extra"
    ROOT_DIFFERS = "root_differs"
    TREE_UNFINISHED = "tree_unfinished"
    LEAF_MALFORMED = "leaf_malformed"
    PUBLIC_LEAF = "public_leaf"
    OLD_DIFFERS = "old_differs"
    ROLLED_BACK = "rolled_back"
    OLD_NOT_CHECKED = "old_not_checked"
    PAYLOADS_MISSING = "payloads_missing"
    PAYLOAD_MISSING = "payload_missing"
    PAYLOAD_MALFORMED = "payload_malformed"
    PAYLOAD_ORDER = "payload_order"
    PAYLOAD_DIFFERS = "payload_differs"
    NOT_ERASED = "not_erased"
    ERASED_TOO_EARLY = "erased_too_early"
    ERASURE_UNFOUNDED = "erasure_unfounded"
    EVIDENCE_MISSING = "evidence_missing"
    CHUNK_DIFFERS = "chunk_differs"
    ROUND_ROOT_DIFFERS = "round_root_differs"
    STATEMENT_MALFORMED = "statement_malformed"
    WRONG_KIND = "wrong_kind"
    BAD_SIGNATURE = "bad_signature"
    WRONG_CHARTER = "wrong_charter"
    CHARTER_VERSION = "charter_version"
    NOT_ACCEPTED = "not_accepted"
    ACCEPTANCE_DIFFERS = "acceptance_differs"
    WRONG_SENDER = "wrong_sender"
    WRONG_RECIPIENT = "wrong_recipient"
    REUSED_NONCE = "reused_nonce"
    REQUEST_ID_REUSED = "request_id_reused"
    PIN_UNFOUNDED = "pin_unfounded"
    DECISION_DIFFERS = "decision_differs"
    FACTS_DIFFER = "facts_differ"
    REQUEST_UNDECIDED = "request_undecided"
    CHAIN_BROKEN = "chain_broken"
    HOLDER_TOO_PERMISSIVE = "holder_too_permissive"
    DISCLOSURE_DIFFERS = "disclosure_differs"
    DISCLOSURE_UNFOUNDED = "disclosure_unfounded"
    HOLDER_DECISION_DIFFERS = "holder_decision_differs"
    OVERRIDE_UNFOUNDED = "override_unfounded"
    CONSENT_UNFOUNDED = "consent_unfounded"
    PERSON_NEEDED = "person_needed"
    REASON_MISSING = "reason_missing"
    AFTER_EXPIRY = "after_expiry"
    NOT_IN_FORCE = "not_in_force"
    RELEASE_WITHOUT_DECISION = "release_without_decision"
    RELEASE_TREE_SIZE = "release_tree_size"
    SEAL_KEY = "seal_key"
    RECEIPT_WITHOUT_RELEASE = "receipt_without_release"
    CARD_KEPT_TOO_LONG = "card_kept_too_long"
    RECALL_UNFOUNDED = "recall_unfounded"
    OVERDUE_UNFOUNDED = "overdue_unfounded"
    OVERDUE_MISSING = "overdue_missing"
    PROVISIONAL_NOT_ALLOWED = "provisional_not_allowed"
    PROVISIONAL_WITH_QUORUM = "provisional_with_quorum"
    PUBLICATION_SEQUENCE = "publication_sequence"
    PUBLICATION_ROW = "publication_row"
    PUBLICATION_LIMIT = "publication_limit"
    ENQUIRY_UNFOUNDED = "enquiry_unfounded"
    EVALUATIONS_EXCESS = "evaluations_excess"
    NOT_ENDORSED = "not_endorsed"
    STUB_REVISION = "stub_revision"
    STUB_OWNER = "stub_owner"
    ROUND_NUMBER = "round_number"
    ROUND_COUNT = "round_count"
    ROUND_ITEM = "round_item"
    VERDICT_UNFOUNDED = "verdict_unfounded"
    ATTENTION_UNFOUNDED = "attention_unfounded"
    INVITE_UNFOUNDED = "invite_unfounded"
    VERDICT_IGNORED = "verdict_ignored"
    DAILY_STATEMENT_GAP = "daily_statement_gap"
    DAILY_STATEMENT_DIFFERS = "daily_statement_differs"
    BOOKS_DIFFER = "books_differ"
    REFUSAL_UNFOUNDED = "refusal_unfounded"
    STATEMENT_ANSWER_UNFOUNDED = "statement_answer_unfounded"
    BACK_DATED = "back_dated"
    CHECKPOINT_STALE = "checkpoint_stale"
    CHECKPOINT_FUTURE = "checkpoint_future"
    HUB_UNREACHABLE = "hub_unreachable"
    CHARTER_CHANGED = "charter_changed"
    MEMBER_CHANGED = "member_changed"
    KEYS_CHANGED = "keys_changed"
    OWN_KEYS_DIFFER = "own_keys_differ"
    SUCCESSOR = "successor"
    SUCCESSOR_REFUSED = "successor_refused"


@dataclass(frozen=True)
class Finding:
    """One finding; `index` is the log entry it is about, if it is about one.

    `notes` are the signed notes that prove a fork or a rollback by contradicting each other.
    """

    severity: Severity
    code: FindingCode
    index: int | None
    detail: str
    notes: tuple[str, ...] = ()


EXIT_CLEAN, EXIT_BROKEN, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_RULE = range(5)

_EXITS = {
    Severity.BROKEN: EXIT_BROKEN,
    Severity.MISSING: EXIT_INCOMPLETE,
    Severity.RULE: EXIT_RULE,
}

ADVICE = {
    Severity.BROKEN: (
        "Keep this case unchanged and fetch again into a new folder. If the finding is still "
        "there, it may prove that the log was changed: compare it with the checkpoint of a node "
        "or a witness."
    ),
    Severity.MISSING: (
        "What is missing cannot be checked. Fetch again; if it is still missing, ask the hub why."
    ),
    Severity.RULE: ("The log is intact, but a rule was broken. Take the entry to the council."),
}


def broken(code: FindingCode, index: int | None, detail: str) -> Finding:
    """A finding that the material contradicts itself or its signatures."""
    return Finding(Severity.BROKEN, code, index, detail)


def missing(code: FindingCode, index: int | None, detail: str) -> Finding:
    """A finding that something needed is not there."""
    return Finding(Severity.MISSING, code, index, detail)


def rule(code: FindingCode, index: int | None, detail: str) -> Finding:
    """A finding that the log, intact, shows a broken rule."""
    return Finding(Severity.RULE, code, index, detail)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 clean, 1 integrity broken, 3 incomplete, 4 rule findings: the first that applies."""
    found = {item.severity for item in findings}
    return next((_EXITS[severity] for severity in Severity if severity in found), EXIT_CLEAN)
