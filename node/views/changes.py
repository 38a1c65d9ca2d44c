"""What an alarm about a member means, in words: who, and what is new (specs/05-log.md §14)."""

from node.alarms import Alarm, AlarmCode
from protocol.governance.directory import Directory, Member
from protocol.messages.bodies import MemberBody

OF_MEMBERS = {AlarmCode.MEMBER_CHANGED, AlarmCode.KEYS_CHANGED, AlarmCode.DETAILS_CHANGED}


def about(directory: Directory, alarm: Alarm) -> str:
    """One sentence, or nothing: of a member whom the log does not name there (any more)."""
    if alarm.code not in OF_MEMBERS:
        return ""
    party_id, _, index = alarm.place.partition(":")
    before: Member | None = None
    for state in directory.members.get(party_id, ()):
        if str(state.index) == index:
            return _sentence(before.body if before else None, state.body)
        before = state
    return ""


def _sentence(before: MemberBody | None, now: MemberBody) -> str:
    if before is None:
        return f"{now.name} has joined."
    said = []
    if before.name != now.name:
        said.append(f"{before.name} is now called {now.name}.")
    if (before.duty_line, before.duty_hours) != (now.duty_line, now.duty_hours):
        said.append(f"The duty line of {now.name} is now {now.duty_line} ({now.duty_hours}).")
    if before.status != now.status:
        said.append(f"{now.name} is {now.status}.")
    return " ".join(said) or f"It is {now.name}."
