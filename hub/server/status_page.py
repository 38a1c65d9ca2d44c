"""The status of the log in words: a page, JSON and lines for a terminal (specs/05-log.md §13).

For anybody, so it holds names of witnesses and a public telephone number, and nothing else.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from hub.log.quorum_status import QuorumStatus, Seen
from protocol.canonical import JsonValue
from protocol.counted import counted
from web.markup import page, paragraph, section, table, text

TITLE = "Can contact details move?"
MEANWHILE = (
    (
        "Requests, refusals, withdrawals and duty lines work as ever. You can send a request now: "
        "the answer waits safely, and the contact card opens by itself as soon as it may."
    ),
    (
        "If somebody may be in danger, do not wait. Call the duty desk, or the duty line that is "
        "shown beside the other agency."
    ),
)
OLD_COPY = (
    (
        "Send no requests now: what this copy takes in is lost when the newer one is brought back. "
        "What stands in the newer one is not lost."
    ),
    MEANWHILE[1],
)
REPAIR = "For whoever runs the hub: stop it, and bring back the newer folder. Do not sign."


def meanwhile(found: QuorumStatus) -> tuple[str, ...]:
    """What people can do while contact details cannot move; nothing while they can."""
    if found.ahead is not None:
        return (*OLD_COPY, REPAIR)
    return MEANWHILE if found.since is not None else ()


def sentences(found: QuorumStatus | None) -> tuple[str, ...]:
    """The answer, why, and since when."""
    if found is None:
        return ("Not yet. The log has not begun.",)
    count = len(found.witnesses)
    here = count - len(found.missing)
    has = "has" if here == 1 else "have"
    if found.since is None:
        yes = (
            f"Yes. {here} of {counted(count, 'witness')} {has} signed the newest state of the log; "
            f"{counted(found.needed, 'is', 'are')} enough."
        )
        return (yes,)
    since = f"This has been so since {_when(found.since)}."
    if found.ahead is not None:
        why = (
            f"No. The witness {found.ahead} has seen a longer log than this hub has: the hub runs "
            "from an older copy of itself, and signs nothing."
        )
        return why, since
    why = (
        f"No. Only {here} of {counted(count, 'witness')} {has} signed the newest state of the log "
        f"in the last 15 minutes, and it takes {found.needed}."
    )
    return why, since, f"Missing: {', '.join(found.missing)}."


def to_value(found: QuorumStatus | None) -> Mapping[str, JsonValue]:
    """The same for programs."""
    if found is None:
        return {"contact_details": "wait", "since": None, "why": list(sentences(None))}
    return {
        "contact_details": "move" if found.since is None else "wait",
        "since": found.since,
        "why": list(sentences(found)),
        "checkpoint": found.size,
        "needed": found.needed,
        "missing": list(found.missing),
        "ahead": found.ahead,
        "witnesses": [
            {"name": item.name, "signed_at": item.time, "counts": item.counts}
            for item in found.witnesses
        ],
        "duty_desk": found.desk.model_dump(),
    }


def to_html(found: QuorumStatus | None, now: int) -> str:
    """One page that stands alone."""
    answer, *more = sentences(found)
    parts = [f'<p class="verdict">{text(answer)}</p>', *map(paragraph, more)]
    if found is not None:
        if advice := meanwhile(found):
            said = [*map(paragraph, advice), paragraph(_desk(found))]
            parts.append(section("meanwhile", "What you can do meanwhile", *said))
        parts.append(section("witnesses", "Who has signed", _witnesses(found)))
        if not advice:
            parts.append(paragraph(_desk(found)))
    return page(TITLE, *parts, paragraph(f"As of {_when(now)}."))


def to_lines(found: QuorumStatus | None) -> list[str]:
    """The same for a terminal."""
    lines = list(sentences(found))
    if found is not None:
        lines += [f"  {item.name}: {_signed(item, found)}" for item in found.witnesses]
        lines += [*meanwhile(found), _desk(found)]
    return lines


def _witnesses(found: QuorumStatus) -> str:
    rows = [(item.name, _signed(item, found)) for item in found.witnesses]
    return table("The witnesses of the sharing agreement", ("Witness", "Signed"), rows)


def _signed(item: Seen, found: QuorumStatus) -> str:
    if item.name == found.ahead:
        return "has signed a longer log than this hub has"
    if found.ahead is not None and item.time is not None:
        return f"signed this old copy's newest state, {_when(item.time)}"
    if item.time is None:
        return "missing: has not signed the newest state"
    return _when(item.time) if item.counts else f"missing: last signed {_when(item.time)}"


def _desk(found: QuorumStatus) -> str:
    desk = found.desk
    return f"Duty desk: {desk.name}, {desk.phone}, {desk.hours}."


def _when(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%-d %B %Y at %H:%M} UTC"
