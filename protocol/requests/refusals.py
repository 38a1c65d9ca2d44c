"""Why something was refused: stable codes and the sentence for the person who asked.

specs/06-requests.md §3. `not_available` is one answer for "unknown" and "not permitted": nobody
can learn from a refusal whether there was anything to refuse.
"""

from enum import StrEnum


class RefusalCode(StrEnum):
    """Every reason a decision may carry. Never renamed once released."""

    NOT_AVAILABLE = "not_available"
    MISSING_FACT = "missing_fact"
    WRONG_FACT = "wrong_fact"
    BASIS_NOT_USABLE = "basis_not_usable"
    PURPOSE_NOT_ALLOWED = "purpose_not_allowed"
    ROLE_NOT_KNOWN = "role_not_known"
    KIND_NOT_KNOWN = "kind_not_known"
    REQUEST_EXPIRED = "request_expired"
    OVER_QUOTA = "over_quota"
    OVER_OWN_QUOTA = "over_own_quota"
    MAY_NOT_ENQUIRE = "may_not_enquire"
    LINK_NOT_PROVEN = "link_not_proven"
    PERMISSION_ENDED = "permission_ended"
    NO_CONSENT = "no_consent"
    OBJECTION = "objection"
    EXCLUDED_INFORMATION = "excluded_information"
    NOT_PROPORTIONATE = "not_proportionate"
    NOT_THE_SAME_PERSON = "not_the_same_person"


REFUSAL_SENTENCES: dict[RefusalCode, str] = {
    RefusalCode.NOT_AVAILABLE: (
        "We cannot put you in touch through this record. Either nothing is shared here now, or "
        "you may not see it: the answer is the same. Call the duty line."
    ),
    RefusalCode.MISSING_FACT: (
        "The lawful basis you chose asks for a fact that is missing: {field}. Add it and ask again."
    ),
    RefusalCode.WRONG_FACT: (
        "A fact that the lawful basis asks for is not in the right form: {field}. "
        "Correct it and ask again."
    ),
    RefusalCode.BASIS_NOT_USABLE: (
        "This lawful basis cannot be used here: it is not in force, or not for your kind of "
        "organisation or theirs. Choose another from the list."
    ),
    RefusalCode.PURPOSE_NOT_ALLOWED: (
        "This purpose does not go with the lawful basis you chose. Choose another from the list."
    ),
    RefusalCode.ROLE_NOT_KNOWN: "Your role is not one the charter knows. Choose one from the list.",
    RefusalCode.KIND_NOT_KNOWN: (
        "The sharing agreement does not let attention be raised for that. Choose from its list."
    ),
    RefusalCode.REQUEST_EXPIRED: "The request came too late, or asks for too long. Ask again.",
    RefusalCode.OVER_QUOTA: "Your organisation has used up today's requests. Call the duty line.",
    RefusalCode.OVER_OWN_QUOTA: "You have used up today's enquiries. Call the duty line.",
    RefusalCode.MAY_NOT_ENQUIRE: (
        "Your kind of organisation may not enquire about people who are not its clients. Call the "
        "duty line."
    ),
    RefusalCode.LINK_NOT_PROVEN: (
        "The link between the two records could not be proven. Call the duty line."
    ),
    RefusalCode.PERMISSION_ENDED: "The permission to share has ended. Call the duty line.",
    RefusalCode.NO_CONSENT: (
        "The other organisation has no consent of the client's that covers your organisation and "
        "this purpose. Ask on another lawful basis, or call its duty line."
    ),
    RefusalCode.OBJECTION: "The client objects to sharing here. Call the duty line.",
    RefusalCode.EXCLUDED_INFORMATION: (
        "The other organisation says that the law excludes this from sharing. Call its duty line."
    ),
    RefusalCode.NOT_PROPORTIONATE: (
        "The other organisation finds sharing not proportionate. Call its duty line."
    ),
    RefusalCode.NOT_THE_SAME_PERSON: "The other organisation says this is not the same person.",
}


def sentence(code: str, field: str | None = None) -> str:
    """The sentence for a code from a decision; codes from the future get a plain one."""
    try:
        text = REFUSAL_SENTENCES[RefusalCode(code)]
    except ValueError:
        return f"Refused ({code}). Call the duty line."
    return text.format(field=field or "(not named)")
