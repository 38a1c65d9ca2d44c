"""What changed in who is who between two looks at a log, and whether our own keys are ours.

specs/08-audit.md §9. A change is no fault: it is for a person to ask about.
"""

from collections.abc import Iterator

from audit.auditor.identity import AuditorFolder
from audit.findings import Finding, FindingCode, rule
from protocol.counted import counted
from protocol.governance.amendments import new_keys
from protocol.governance.changes import loosens
from protocol.governance.directory import Directory, Member


def changes(before: Directory, after: Directory) -> Iterator[Finding]:
    """Charters, members and keys that are new since `before`."""
    previous = before.charters[-1].charter if before.charters else None
    for version in after.charters[len(before.charters) :]:
        looser = len(loosens(previous, version.charter)) if previous else 0
        previous = version.charter
        detail = (
            f"charter {version.charter.version} is in force; it loosens {counted(looser, 'rule')}"
        )
        yield rule(FindingCode.CHARTER_CHANGED, version.index, detail)
    for party_id, states in after.members.items():
        known = len(before.members.get(party_id, ()))
        for place in range(known, len(states)):
            yield from _member(states[place - 1] if place else None, states[place])


def own_keys(folder: AuditorFolder, directory: Directory) -> Iterator[Finding]:
    """Whether the log holds, for us, the keys of our own folder. Raises LocalError."""
    membership, keys = folder.membership(), folder.keys()
    if membership is None:
        return
    member = directory.member(membership.party_id)
    ours = keys.record(0, folder.profile().recovery_hash)
    if member is None:
        return
    held = member.body.keys
    wrong = [
        name for name in ("auth", "sign", "seal") if getattr(held, name) != getattr(ours, name)
    ]
    if wrong:
        detail = f"the log holds other keys for us than our folder: {', '.join(wrong)}"
        yield rule(FindingCode.OWN_KEYS_DIFFER, member.index, detail)


def _member(before: Member | None, now: Member) -> Iterator[Finding]:
    body, name = now.body, f"member {now.body.party_id}"
    if before is None:
        detail = f"{name} joined as {body.member_class}"
        yield rule(FindingCode.MEMBER_CHANGED, now.index, detail)
        return
    if new_keys(before.body.keys, body.keys):
        yield rule(FindingCode.KEYS_CHANGED, now.index, f"{name} has new keys")
    for field, called in (("name", "name"), ("duty_line", "duty line"), ("duty_hours", "hours")):
        if getattr(before.body, field) != getattr(body, field):
            yield rule(FindingCode.MEMBER_CHANGED, now.index, f"{name} has another {called}")
    if before.body.status != body.status:
        detail = f"{name} is {body.status}, was {before.body.status}"
        yield rule(FindingCode.MEMBER_CHANGED, now.index, detail)
