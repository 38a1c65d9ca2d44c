"""What is shown of teams, requests, alerts and alarms over the local interface: models of views.

specs/07-transport.md §1. Times are Unix seconds.
"""

from typing import Annotated, Literal

from pydantic import Field

from node.alarms import AlarmCode
from node.links.team import Unpublished
from node.store.attention import RaisedState
from node.store.requests import ReceivedState, SentState
from node.web.calls import Answer
from protocol.fields import Count
from protocol.governance.charter import DutyDesk, FactRule
from protocol.messages.members import FiguresBody
from protocol.requests.clock import Step
from protocol.requests.sealing import ContactCard


class TeamMemberOut(Answer):
    """One involvement of another agency with the same client, and whom to call. `reference` names
    it in a request.
    """

    reference: str
    link_id: str
    involvement_id: str
    label: str
    agency: str
    duty_line: str
    duty_hours: str
    is_past: bool


class DutyLineOut(Answer):
    """Somebody to call at a member agency."""

    agency: str
    phone: str
    hours: str


class PublisherOut(Answer):
    """A member agency that was looked through, and what it said last of how fresh that is."""

    agency: str
    said_at: Count | None
    figures: FiguresBody | None


class ServiceHintOut(Answer):
    """A sensitive service of a class of members that can be reached: not named until we ask to be
    introduced. `sentence`: why that was refused.
    """

    reference: str
    hint_id: str
    kind: str
    state: str
    sentence: str | None


class TeamOut(Answer):
    """The team around a client. An empty one never means that nobody works with them: `ring` is
    everybody's duty line. `relation`: of a relative, what they are; empty for the client.
    `unpublished`: why nobody finds the client, if so.
    """

    client: str
    relation: str
    own: list[str]
    others: list[TeamMemberOut]
    possible: Count
    duty_desk: DutyDesk
    published: bool
    unpublished: Unpublished | None
    compared: bool
    next_round: Count | None
    overdue: bool
    waiting: Count
    services: list[ServiceHintOut]
    desk_hints: list[str]
    ring: list[DutyLineOut]
    publishers: list[PublisherOut]


class TeamsOut(Answer):
    """The client's team first, then those of relatives."""

    teams: list[TeamOut]


class OverrideOut(Answer):
    """For which reasons, by code, and in which roles an objection may be overridden."""

    reasons: dict[str, str]
    roles: list[str]


class ClockOut(Answer):
    """Who has a request until when, in Unix seconds. `with` while it waits for an answer, `overdue`
    once the hub has said so, and what that means in words.
    """

    worker_until: Count
    duty_until: Count
    due: Count
    with_: Annotated[Step | None, Field(alias="with")]
    overdue: bool
    says: str | None


class WithOut(Answer):
    """Which of our people have a request that waits, and until when; who passed it on to them."""

    step: Step | None
    people: list[str]
    until: Count | None
    until_text: str | None
    passed_by: str | None


class AttentionOut(Answer):
    """Attention that another agency raised about a client of ours, and nobody has seen to."""

    attention: Count
    client: str
    agency: str
    works: list[str]
    role: str
    kind: str
    title: str
    raised_at: Count
    duty_line: str
    duty_hours: str


class OwnAttentionOut(Answer):
    """Attention that our people raised. To whom it went is told to nobody."""

    client: str
    kind: str
    title: str
    raised_at: Count
    state: RaisedState
    state_text: str


class IntroductionOut(Answer):
    """Somebody to whom the hub named us, about whom, in which role and why."""

    client: str | None
    agency: str
    role: str
    purpose: str
    basis: str
    asked_at: Count


class ReceivedOut(Answer):
    """A request that came to us, who has it, and what can be done about it now. `facts`: by their
    titles; `reason`: what somebody of ours wrote who refused it.
    """

    request_id: str
    client: str | None
    agency: str
    practitioner: str
    role: str
    purpose: str
    basis: str
    facts: dict[str, str]
    needed_by: Count | None
    state: ReceivedState
    state_text: str
    clock: ClockOut | None
    may_go_now: bool
    override: OverrideOut | None
    with_: Annotated[WithOut | None, Field(alias="with")]
    answered_by: str | None
    reason: str | None
    recall_or_keep: bool


class SentOut(Answer):
    """A request of ours, why it was refused, and the card that came back until `keep_until`.
    `reason_closed`: there is a reason in writing that did not open here, or is here no more.
    """

    request_id: str
    client: str
    agency: str
    needed_by: Count | None
    state: SentState
    state_text: str
    code: str | None
    sentence: str | None
    card: ContactCard | None
    keep_until: Count | None
    reason: str | None
    reason_closed: bool
    clock: ClockOut | None


class AskedOut(SentOut):
    """The request that was sent, and to whom it went, in words."""

    to: str


class AlarmOut(Answer):
    """What this node has noticed and nobody has dealt with yet."""

    id: Count
    code: AlarmCode
    place: str
    about: str
    since: Count
    severity: Literal["proof", "missing", "look"]
    says: str
    what_to_do: str


class AlarmsOut(Answer):
    """All of them, the worst first."""

    alarms: list[AlarmOut]


class AlertOut(Answer):
    """Something for the lead for information governance; `request_id` is empty of what concerns no
    request, and what is null does not concern this kind of alert.
    """

    what: Literal[
        "wrong_person", "unwitnessed", "card_after_withdrawal", "questions_held", "identity_unsent"
    ]
    request_id: str
    agency: str
    told_at: Count
    seen: bool
    we_asked: bool | None = None
    said_by_us: bool | None = None
    recalled_at: Count | None = None
    practitioner: str | None = None


class AlertsOut(Answer):
    """All of them, the newest first."""

    alerts: list[AlertOut]


class InboxOut(Answer):
    """Requests to us and by us, and what a person has to look at."""

    alarms: list[AlarmOut]
    governance: list[AlertOut]
    attention: list[AttentionOut]
    raised: list[OwnAttentionOut]
    received: list[ReceivedOut]
    introduced: list[IntroductionOut]
    sent: list[SentOut]


class OfferedBasisOut(Answer):
    """A lawful basis, its source in law, and the facts that it demands."""

    code: str
    title: str
    source: str
    facts: list[FactRule]


class OfferedPurposeOut(Answer):
    """A purpose in plain words, with the bases that go with it."""

    code: str
    title: str
    bases: list[OfferedBasisOut]


class OfferedOut(Answer):
    """To whom a request would go, and what there is to choose from. An organisation that has left
    has no duty line.
    """

    to: str
    duty_line: str | None
    duty_hours: str | None
    roles: list[str]
    purposes: list[OfferedPurposeOut]
    days: list[str]


class DraftOut(Answer):
    """A request that could not be sent or was refused; `why` is what the hub said, if it did."""

    draft: Count
    client: str
    agency: str
    practitioner: str
    role: str
    purpose: str
    basis: str
    facts: dict[str, str]
    needed_by: Count | None
    saved_at: Count
    why: str | None


class DraftsOut(Answer):
    """All drafts, the oldest first."""

    drafts: list[DraftOut]


class DraftIdOut(Answer):
    """The draft's number."""

    draft: Count
