"""The report as one HTML page: no scripts, prints, and says everything in words as well.

specs/08-audit.md §8. Made of counts, codes, ids and agencies' names; there is no client data in an
audit, so there is none here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from audit.findings import ADVICE, Finding, FindingCode, Severity
from audit.meanings import MEANINGS
from audit.outcome import VERDICTS
from audit.report.answers import answers_section
from audit.report.bundle_text import when
from audit.report.by_agency import alerts_section, identity_checks_section, introductions_section
from audit.report.figures import (
    OUTCOMES,
    Audited,
    asks,
    code_mix,
    outcomes_by_basis,
    uptime,
)
from audit.report.front_door import enquiries_section
from audit.rules.history import RENEWAL
from protocol.counted import counted
from web.markup import page, paragraph, section, table, text
from web.pictures import Bars, Caption, bar_picture, count_axis
from web.rows import grid_picture, rows_picture

DAY = 86_400
MOST_BARS = 60
MOST_PARTIES = 12
MOST_FINDINGS = 2_000
UNUSUAL_POINTS = 30

_SAID = {
    Severity.BROKEN: "Broken: the material contradicts itself or its signatures",
    Severity.MISSING: "Missing: needed, but not there",
    Severity.RULE: "Rule: the log is intact, but a rule was broken",
}
_SERIES = {
    "requests": {"request", "identity_request", "introduction_request", "enquiry"},
    "decisions": {
        "hub_decision",
        "decision",
        "identity_decision",
        "identity_answer",
        "introduction_decision",
        "enquiry_decision",
    },
    "releases": {"release", "provisional", "receipt"},
    "renewals": {RENEWAL},
}


def to_html(audited: Audited, now: int) -> str:
    """The page. `now` is when it was made, in Unix seconds."""
    title = f"Audit of the request log {audited.origin}"
    return page(
        title,
        _verdict(audited, now),
        _found(audited),
        _activity(audited),
        _who(audited),
        _bases(audited),
        _mix(audited),
        _refusals(audited),
        answers_section(audited),
        identity_checks_section(audited),
        introductions_section(audited),
        enquiries_section(audited),
        alerts_section(audited),
        _unwitnessed(audited),
        _witnesses(audited),
        _checked(audited),
        _limits(),
    )


def _verdict(audited: Audited, now: int) -> str:
    code = audited.report.exit_code
    counts = Counter(item.severity for item in audited.report.findings)
    said = ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity)
    facts = [
        ("Log", audited.origin),
        ("Genesis fingerprint that was pinned", audited.genesis),
        ("Entries", f"{audited.verified.size:,}"),
        ("Witnesses that signed this state", ", ".join(audited.verified.cosigners) or "none"),
        ("Findings", said),
        ("Exit code", str(code)),
        ("Report made", when(now)),
    ]
    return f'<p class="verdict">{text(VERDICTS[code])}</p>\n' + table(
        "What this report is about", ("Fact", "Value"), facts
    )


def _found(audited: Audited) -> str:
    findings = audited.report.findings
    if not findings:
        return section("findings", "Findings", paragraph("There are none."))
    counts = Counter(item.code for item in findings)
    severities = {item.code: item.severity for item in findings}
    names = [code.value for code in sorted(counts, key=lambda item: -counts[item])]
    parts = {
        severity.value: [
            counts[FindingCode(name)] if severities[FindingCode(name)] is severity else 0
            for name in names
        ]
        for severity in Severity
    }
    says = "; ".join(f"{name}: {counts[FindingCode(name)]}" for name in names)
    picture = rows_picture(Caption("Findings by severity and code", says), names, parts)
    sections = "\n".join(_by_severity(findings))
    return section("findings", "Findings", f"<figure>{picture}</figure>", sections)


def _by_severity(findings: Sequence[Finding]) -> Iterator[str]:
    for severity in Severity:
        found = [item for item in findings if item.severity is severity]
        if not found:
            continue
        rows = [
            (
                "-" if item.index is None else item.index,
                item.code.value,
                MEANINGS.get(item.code, ""),
                item.detail,
            )
            for item in found[:MOST_FINDINGS]
        ]
        yield f"<h3>{text(_SAID[severity])} ({len(found)})</h3>"
        yield paragraph(ADVICE[severity])
        yield table(f"Findings: {severity.value}", ("Entry", "Code", "Means", "Detail"), rows)
        yield from _notes(found)
        if len(found) > MOST_FINDINGS:
            yield paragraph(f"Only the first {MOST_FINDINGS} are shown; the CSV file has them all.")


def _notes(found: Sequence[Finding]) -> Iterator[str]:
    """Signed notes that contradict each other: the proof itself."""
    for item in found:
        for number, note in enumerate(item.notes, 1):
            yield f"<h4>Proof of {text(item.code.value)}: note {number}</h4>"
            yield f"<pre>{text(note)}</pre>"


def _activity(audited: Audited) -> str:
    days = audited.history.days
    if not days:
        return section("activity", "Activity over time", paragraph("No messages were opened."))
    first, last = min(days), max(days)
    width = (last - first) // MOST_BARS + 1
    buckets: dict[str, Counter[int]] = {name: Counter() for name in (*_SERIES, "other entries")}
    for day, kinds in days.items():
        place = first + (day - first) // width * width
        for kind, count in kinds.items():
            name = next((item for item in _SERIES if kind in _SERIES[item]), "other entries")
            buckets[name][place] += count
    places = sorted({place for counts in buckets.values() for place in counts})
    sums = {place: sum(counts[place] for counts in buckets.values()) for place in places}
    says = f"{counted(sum(sums.values()), 'entry')} from {_day(first)} to {_day(last)}; the most "
    says += f"in {counted(width, 'day')}: {max(sums.values())}."
    drawn = range(first, last + 1, width)
    picture = bar_picture(
        Caption("Activity over time", says),
        Bars("day" if width == 1 else f"from, {width} days a bar", [_day(at) for at in drawn]),
        count_axis("entries", max(sums.values())),
        {name: [counts[at] for at in drawn] for name, counts in buckets.items()},
    )
    heads = ("From", *buckets, "all")
    rows = [(_day(at), *(counts[at] for counts in buckets.values()), sums[at]) for at in places]
    return section(
        "activity",
        "Activity over time",
        f"<figure>{picture}</figure>",
        table(f"Entries by the date on them, {counted(width, 'day')} a row", heads, rows),
    )


def _who(audited: Audited) -> str:
    counts = asks(audited)
    if not counts:
        return section("who", "Who asks whom", paragraph("There were no requests."))
    busy: Counter[str] = Counter()
    for (asker, asked), count in counts.items():
        busy.update({asker: count, asked: count})
    shown = [party for party, _ in busy.most_common(MOST_PARTIES)]
    cells = {
        (shown.index(asker), shown.index(asked)): count
        for (asker, asked), count in counts.items()
        if asker in shown and asked in shown
    }
    names = [audited.name(None if party == "nobody" else party) for party in shown]
    rows = [
        (audited.name(asker), audited.name(None if asked == "nobody" else asked), count)
        for (asker, asked), count in counts.most_common()
    ]
    says = "; ".join(
        f"{asker} asked {asked} {counted(count, 'time')}" for asker, asked, count in rows[:20]
    )
    picture = grid_picture(Caption("Who (rows) asks whom (columns)", says), names, cells)
    return section(
        "who",
        "Who asks whom",
        f"<figure>{picture}</figure>",
        table("Requests between agencies", ("Asks", "Is asked", "Requests"), rows),
    )


def _bases(audited: Audited) -> str:
    found = outcomes_by_basis(audited.history)
    if not found:
        return section("bases", "Decisions by lawful basis", paragraph("There were no requests."))
    parts = {name: [counts[name] for counts in found.values()] for name in OUTCOMES}
    rows = [(basis, *(counts[name] for name in OUTCOMES)) for basis, counts in found.items()]
    says = "; ".join(
        f"{basis}: {counted(counts.total(), 'request')}" for basis, counts in found.items()
    )
    picture = rows_picture(Caption("Decisions by lawful basis", says), list(found), parts)
    return section(
        "bases",
        "Decisions by lawful basis",
        f"<figure>{picture}</figure>",
        table("How requests ended", ("Lawful basis", *OUTCOMES), rows),
    )


def _mix(audited: Audited) -> str:
    mix = code_mix(audited.history)
    overall: Counter[str] = Counter()
    for counts in mix.values():
        overall.update(counts)
    rows = []
    for party, counts in sorted(mix.items(), key=lambda pair: audited.name(pair[0])):
        for basis, count in counts.most_common():
            share = 100 * count / counts.total()
            usual = 100 * overall[basis] / overall.total()
            odd = len(mix) > 1 and abs(share - usual) >= UNUSUAL_POINTS
            rows.append(
                (
                    audited.name(party), basis, count, f"{share:.0f}%", f"{usual:.0f}%",
                    "look at this" if odd else "",
                )
            )  # fmt: skip
    says = (
        "A forged consent or a wrong code cannot be seen in one request. It can show in the mix: "
        f"an agency whose share of a code is {UNUSUAL_POINTS} points or more from that of all "
        "agencies is marked. That is a reason to ask, not a fault."
    )
    heads = ("Agency", "Lawful basis", "Requests", "Its share", "Share of all", "Note")
    made = table("Lawful bases by asking agency", heads, rows) if rows else ""
    return section("mix", "Which agency uses which code", paragraph(says), made)


def _refusals(audited: Audited) -> str:
    history = audited.history
    if not history.refusals and not history.rejections:
        return section("refusals", "Refusals", paragraph("Nothing was refused."))
    rows = [
        *((code, "request", count) for code, count in history.refusals.most_common()),
        *((code, "message rejected", count) for code, count in history.rejections.most_common()),
    ]
    names = [code for code, _, _ in rows]
    parts = {
        "request": [count if what == "request" else 0 for _, what, count in rows],
        "message rejected": [count if what != "request" else 0 for _, what, count in rows],
    }
    says = "; ".join(f"{code}: {count}" for code, _, count in rows)
    picture = rows_picture(Caption("Refusals by code", says), names, parts)
    return section(
        "refusals",
        "Refusals",
        f"<figure>{picture}</figure>",
        table("What was refused", ("Code", "What", "Times"), rows),
    )


def _unwitnessed(audited: Audited) -> str:
    rows = [
        (
            item.index, when(item.released_at or 0), audited.name(item.answerer),
            audited.name(item.requester), item.basis,
            "yes" if item.received_at is not None else "no",
        )
        for item in audited.history.asked.values()
        if item.unwitnessed
    ]  # fmt: skip
    says = (
        "Where a life is in danger and witnesses are away, a person may release contact details "
        "before they have signed. Each of these is a reason to ask both organisations."
    )
    heads = ("Request", "When", "Released by", "To", "Lawful basis", "Opened")
    made = table("Contact details released without witnesses", heads, rows) if rows else ""
    none = "" if rows else " There were none."
    return section("unwitnessed", "Without witnesses", paragraph(says + none), made)


def _witnesses(audited: Audited) -> str:
    found = uptime(audited)
    kept = len(audited.seen)
    says = f"{counted(kept, 'checkpoint')} of this log kept. "
    if kept < 2:
        says += (
            "That is too few to say how reliable a witness is: run `patchwork-audit monitor` "
            "and pass its folder of notes with --notes."
        )
    if not found:
        return section("witnesses", "Witnesses", paragraph(says))
    percents = [item.percent for item in found]
    caption = Caption(
        "Share of kept checkpoints that each witness signed",
        "; ".join(f"{item.name}: {item.percent:g}%" for item in found),
    )
    picture = rows_picture(caption, [item.name for item in found], {"signed": percents}, "%")
    rows = [
        (item.name, item.signed, item.kept, f"{item.percent:g}%", f"{item.longest_gap / 60:.0f}")
        for item in found
    ]
    heads = ("Witness", "Signed", "Kept", "Share", "Longest silence, minutes")
    return section(
        "witnesses",
        "Witnesses",
        paragraph(says),
        f"<figure>{picture}</figure>",
        table("Witnesses of the charter in force", heads, rows),
    )


def _checked(audited: Audited) -> str:
    rows = [(name.replace("_", " "), f"{n:,}") for name, n in audited.report.checked.items()]
    return section("checked", "What was checked", table("Counts", ("What", "How many"), rows))


def _limits() -> str:
    return section(
        "limits",
        "What this report cannot say",
        paragraph(
            "Whether what an agency stated is true; whether a consent form exists; whether two "
            "records are about one person. The answers are on paper and in the agencies' own "
            "systems: draw a sample and look. There is no client data in this report: the log "
            "holds none."
        ),
    )


def _day(number: float) -> str:
    return when(int(number) * DAY).split(",", maxsplit=1)[0]
