"""How many statements of a kind an agency may have logged in a day: specs/07-transport.md §2.

Pure, and the same for the hub that refuses and the auditor who counts again.
"""

from protocol.governance.charter import Charter

VERDICTS_A_DAY = 1_000
OF_ITSELF_A_DAY = 10  # everybody keeps what is public, for ever; a resync reads the whole log


def quota_of(charter: Charter, kind: str) -> int | None:
    """The day's quota of a kind, if it has one."""
    quotas, attention = charter.quotas, charter.attention
    return {
        "enquiry": charter.enquiry.per_agency_day if charter.enquiry else None,
        "request": quotas.requests_per_day,
        "identity_request": quotas.identity_checks_per_day,
        "introduction_request": quotas.identity_checks_per_day,
        "attention": attention.per_day if attention else None,
        "invite": quotas.invites_per_day,
        "verdict": VERDICTS_A_DAY,
        "seal_renewal": OF_ITSELF_A_DAY,
        "details": OF_ITSELF_A_DAY,
        "figures": OF_ITSELF_A_DAY,
        "resync": OF_ITSELF_A_DAY,
        "endorsement": OF_ITSELF_A_DAY,
    }.get(kind)
