"""What an alarm means, in words: which organisation it is about, and what happened (05-log.md §14).

An organisation's name is no personal data: these words may leave this node with the alarm.
"""

from node.alarms import Alarm, AlarmCode
from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.counted import counted
from protocol.governance.directory import Directory, Member
from protocol.messages.bodies import MemberBody

OF_MEMBERS = {AlarmCode.MEMBER_CHANGED, AlarmCode.KEYS_CHANGED, AlarmCode.DETAILS_CHANGED}
OF_PARTIES = {AlarmCode.QUESTIONS_HELD, AlarmCode.IDENTITY_UNSENT}
OF_CARDS = {AlarmCode.CARD_CLOSED, AlarmCode.CARD_UNWITNESSED, AlarmCode.CARD_IN_NO_LOG}
STATUS = {
    "active": "goes on: the council has let it",
    "suspended": "is suspended: the council has stopped it for now",
    "revoked": "is no member any more: the council has stopped it for good",
}


def about(tables: NodeTables, membership: HubMembership, alarm: Alarm) -> str:
    """One sentence, or nothing where there is nobody to name."""
    directory = membership.directory
    if alarm.code in OF_MEMBERS:
        return _change(directory, alarm.place)
    if alarm.code in OF_PARTIES:
        return _is(directory, alarm.place)
    if alarm.code in OF_CARDS:
        return _is(directory, _other_side(tables, membership.hub.hub_id, alarm.place))
    if alarm.code is AlarmCode.CHARTER_CHANGED:
        return f"It is version {alarm.place}."
    return ""


def _is(directory: Directory, party_id: str) -> str:
    member = directory.member(party_id)
    return f"It is {member.body.name}." if member else ""


def _other_side(tables: NodeTables, hub_id: str, request_id: str) -> str:
    """With whom a card was exchanged."""
    sent = tables.sent_requests.get(hub_id, request_id)
    if sent is not None:
        return sent.holder
    received = tables.received_requests.get(hub_id, request_id)
    return received.requester if received else ""


def _change(directory: Directory, place: str) -> str:
    """What happened to a member at an entry; nothing if the log does not name it there any more."""
    party_id, _, index = place.partition(":")
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
        said.append(f"{now.name} {STATUS[now.status]}.")
    if before.clients != now.clients:
        said.append(f"{now.name} has about {counted(now.clients or 0, 'client')} now.")
    return " ".join(said) or f"{now.name} has new keys."
