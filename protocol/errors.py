"""The two error families of specs/01-statements.md §6: ours (LocalError) and theirs (RemoteError).

Each error has a stable code from one enum; the sentence for the person who must act lives beside
the code. A detail names a field, a line or an index, never a value: values may be personal data.
"""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """Every code an API answer, an exit or a log line may carry. Never renamed once released."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    ENCODED = "encoded"
    NOT_JSON = "not_json"
    WRONG_METHOD = "wrong_method"
    UNKNOWN_FIELD = "unknown_field"
    NOT_CANONICAL = "not_canonical"
    UNKNOWN_KIND = "unknown_kind"
    BAD_SIGNATURE = "bad_signature"
    WEAK_KEY = "weak_key"
    UNKNOWN_MEMBER = "unknown_member"
    WRONG_RECIPIENT = "wrong_recipient"
    WRONG_CHARTER = "wrong_charter"
    EXPIRED = "expired"
    TOO_LATE = "too_late"
    REPLAYED = "replayed"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    NO_TOKEN = "no_token"  # noqa: S105 - a code, not a token
    OVER_QUOTA = "over_quota"
    OVER_LIMIT = "over_limit"
    INVITATION = "invitation"
    CONFLICT = "conflict"
    SECOND_INSTANCE = "second_instance"
    BEHIND = "behind"
    BAD_POINT = "bad_point"
    BAD_SCALAR = "bad_scalar"
    BAD_PROOF = "bad_proof"
    BAD_SHARE = "bad_share"
    BAD_TREE = "bad_tree"
    NO_QUORUM = "no_quorum"
    NOT_OPENED = "not_opened"
    UNREACHABLE = "unreachable"
    BAD_FILE = "bad_file"
    NOT_READY = "not_ready"
    CONFIGURATION = "configuration"
    STORAGE = "storage"
    INTERNAL = "internal"


@dataclass(frozen=True)
class ErrorText:
    """What a code says: HTTP status, a title, and what the reader should do about it."""

    status: int
    title: str
    what_to_do: str


ERROR_TEXTS: dict[ErrorCode, ErrorText] = {
    ErrorCode.MALFORMED: ErrorText(
        400, "We could not read this", "Check the format against specs/ and send it again."
    ),
    ErrorCode.ENCODED: ErrorText(415, "This is packed", "Send it again without Content-Encoding."),
    ErrorCode.NOT_JSON: ErrorText(
        415, "This is not marked as JSON", "Send JSON, with Content-Type: application/json."
    ),
    ErrorCode.WRONG_METHOD: ErrorText(
        405, "This address does not take that method", "Use a method that Allow names."
    ),
    ErrorCode.TOO_LARGE: ErrorText(
        413, "This is too large", "Send less at a time: specs/ states each limit."
    ),
    ErrorCode.UNKNOWN_FIELD: ErrorText(
        400, "The fields are not the ones this message has", "Send exactly the fields in specs/."
    ),
    ErrorCode.NOT_CANONICAL: ErrorText(
        400, "This is not in canonical form", "Encode it again as RFC 8785 canonical JSON."
    ),
    ErrorCode.UNKNOWN_KIND: ErrorText(
        400, "This kind of message is not known here", "Upgrade the older of the two programs."
    ),
    ErrorCode.BAD_SIGNATURE: ErrorText(
        401, "The signature is not valid", "Sign with the key that the log holds for you."
    ),
    ErrorCode.WEAK_KEY: ErrorText(
        400, "This key is unsafe", "Make a new key: anyone could forge signatures with this one."
    ),
    ErrorCode.UNKNOWN_MEMBER: ErrorText(
        403, "The sender is not a member", "Ask the council to invite the agency."
    ),
    ErrorCode.WRONG_RECIPIENT: ErrorText(
        400, "This message is for somebody else", "Send it to the party it names."
    ),
    ErrorCode.WRONG_CHARTER: ErrorText(
        409, "This message is under another charter", "Fetch the current charter and sign again."
    ),
    ErrorCode.EXPIRED: ErrorText(
        400,
        "This message is too old or from the future",
        "Set this computer's clock, then try again.",
    ),
    ErrorCode.TOO_LATE: ErrorText(
        409, "The time for this is over", "Ask again, or have them ask again."
    ),
    ErrorCode.REPLAYED: ErrorText(
        409, "This message was sent before with other content", "Sign a new message."
    ),
    ErrorCode.NOT_FOUND: ErrorText(404, "There is nothing here", "Check the reference."),
    ErrorCode.NOT_ALLOWED: ErrorText(
        403, "This is not allowed", "Ask the person who runs this service what you may do."
    ),
    ErrorCode.NO_TOKEN: ErrorText(
        401,
        "The token is missing or wrong",
        "Send the token in the service's own folder as Authorization: Bearer.",
    ),
    ErrorCode.OVER_QUOTA: ErrorText(
        429, "The quota is used up", "Wait until tomorrow, or ask the council for more."
    ),
    ErrorCode.OVER_LIMIT: ErrorText(
        400, "A safety limit of the charter is passed", "Check the records named in the detail."
    ),
    ErrorCode.INVITATION: ErrorText(
        403, "The invitation is not valid", "Ask the council for a new invitation."
    ),
    ErrorCode.CONFLICT: ErrorText(
        409, "This conflicts with what is already there", "Look at the present state and try again."
    ),
    ErrorCode.SECOND_INSTANCE: ErrorText(
        409,
        "A second copy of this node is running",
        "Stop one of them. If you did not start it, tell the council: the keys may be stolen.",
    ),
    ErrorCode.BEHIND: ErrorText(
        409,
        "The hub knows more of you than you do",
        "Was a backup put back? Install the newest version, then run patchwork-node resync.",
    ),
    ErrorCode.BAD_POINT: ErrorText(
        400, "A group element is not valid", "Blind the inputs again with a correct library."
    ),
    ErrorCode.BAD_SCALAR: ErrorText(
        400, "A scalar is not valid", "Make it again: it must be below the group order."
    ),
    ErrorCode.BAD_PROOF: ErrorText(
        400,
        "A proof is not valid",
        "Do not use what it came with. If the detail names a key holder, tell the council.",
    ),
    ErrorCode.BAD_SHARE: ErrorText(
        400,
        "A key holder's part of the key ceremony is not valid",
        "Stop the ceremony and tell the others which key holder it was.",
    ),
    ErrorCode.BAD_TREE: ErrorText(
        400,
        "The log does not add up",
        "Keep everything and tell the auditor: this can be proof that the log was changed.",
    ),
    ErrorCode.NO_QUORUM: ErrorText(
        503,
        "Not enough witnesses have signed",
        "Contact details wait until they have. Use the duty lines meanwhile.",
    ),
    ErrorCode.NOT_OPENED: ErrorText(
        400, "The sealed part does not open", "Ask the sender to send it again."
    ),
    ErrorCode.UNREACHABLE: ErrorText(
        502, "A service did not answer", "Check the network, then try again."
    ),
    ErrorCode.BAD_FILE: ErrorText(
        400, "We could not read the file", "Fix what the detail names and try again."
    ),
    ErrorCode.NOT_READY: ErrorText(
        409, "Something has to be done first", "Do what the detail says, then try again."
    ),
    ErrorCode.CONFIGURATION: ErrorText(
        500, "The settings are not usable", "Fix the setting named in the detail."
    ),
    ErrorCode.STORAGE: ErrorText(
        500, "The data folder is not usable", "Check the folder, its owner and its free space."
    ),
    ErrorCode.INTERNAL: ErrorText(
        500,
        "Something went wrong here",
        "Try again. If it happens again, tell the people who run this service: their log says "
        "where.",
    ),
}


class PatchworkError(Exception):
    """The parent of both families. `code` is stable; `detail` says where, never whose.

    `retry_after`: in how many seconds the same may be allowed.
    """

    def __init__(self, code: ErrorCode, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    @property
    def text(self) -> ErrorText:
        """The status, title and advice that go with the code."""
        return ERROR_TEXTS[self.code]


class LocalError(PatchworkError):
    """Our fault or our operator's: wrong set-up, wrong call, a full disk."""


class RemoteError(PatchworkError):
    """Their fault: bytes from outside that are not what specs/ says they must be."""
