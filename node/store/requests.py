"""Requests for contact details, asked and received: their states, and their rows.

specs/06-requests.md §2, §7, §8 and §10. node/store/request_stores.py keeps them.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from node.store.columns import clock_of, clock_text, of_text, text_of
from node.store.decisions import LoggedDecision, decision_columns, decision_of
from node.store.moving import Columns
from protocol.messages.parts import LinkProof
from protocol.requests.clock import Steps
from protocol.requests.disclosure import Disclosure
from protocol.requests.sealing import ContactCard, Opening
from storage.engine import Row
from storage.states import Moves


class SentState(StrEnum):
    """How far a request of ours has come."""

    SENDING = "sending"
    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"
    FAILED = "failed"
    OPENED = "opened"
    CLOSED = "closed"
    STOPPED = "stopped"
    RECALLED = "recalled"
    EXPIRED = "expired"
    LOG_LOST = "log_lost"


class ReceivedState(StrEnum):
    """How far a request that came to us has come."""

    ARRIVED = "arrived"
    ASKS_PERSON = "asks_person"
    DECIDING = "deciding"
    ALLOWED = "allowed"
    REFUSED = "refused"
    RELEASED = "released"
    OPENED = "opened"
    STOPPED = "stopped"
    RECALLED = "recalled"
    LOG_LOST = "log_lost"


_S, _R = SentState, ReceivedState
# The hub logs a request or refuses it; the holder decides; the card opens, or stays closed, and is
# deleted when its time is over (expired). A card over the same link that is about the wrong person
# stops the others. The other side may recall a card that we never saw: the messages before it were
# set aside. Another may take the place of one that it recalled.
SENT_MOVES: Moves[SentState] = {
    _S.SENDING: (_S.WAITING, _S.REFUSED, _S.FAILED, _S.STOPPED, _S.RECALLED, _S.LOG_LOST),
    _S.WAITING: (_S.ALLOWED, _S.REFUSED, _S.STOPPED, _S.RECALLED, _S.LOG_LOST),
    _S.ALLOWED: (_S.OPENED, _S.CLOSED, _S.STOPPED, _S.RECALLED, _S.LOG_LOST),
    _S.OPENED: (_S.RECALLED, _S.EXPIRED),
    _S.EXPIRED: (_S.RECALLED,),
    _S.RECALLED: (_S.OPENED, _S.CLOSED),
    _S.CLOSED: (_S.STOPPED, _S.RECALLED),
    _S.STOPPED: (_S.RECALLED,),
}
# A decision that the hub refuses goes back to a person; a card without a quorum that it refuses
# goes as ever, once there is one. Allowed and recalled: the hub passed on a card of which it never
# told us. Released and lost: the log ended before the hub had taken the card. Recalled and allowed:
# it is renewed.
RECEIVED_MOVES: Moves[ReceivedState] = {
    _R.ARRIVED: (_R.ASKS_PERSON, _R.DECIDING, _R.STOPPED, _R.LOG_LOST),
    _R.ASKS_PERSON: (_R.DECIDING, _R.STOPPED, _R.LOG_LOST),
    _R.DECIDING: (_R.ALLOWED, _R.REFUSED, _R.ASKS_PERSON, _R.STOPPED, _R.LOG_LOST),
    _R.ALLOWED: (_R.RELEASED, _R.STOPPED, _R.RECALLED, _R.LOG_LOST),
    _R.RELEASED: (_R.OPENED, _R.ALLOWED, _R.STOPPED, _R.RECALLED, _R.LOG_LOST),
    _R.OPENED: (_R.RECALLED,),
    # The hub's word that it did not take a release: the other side's signed word goes before it.
    _R.STOPPED: (_R.OPENED, _R.RECALLED),
    _R.RECALLED: (_R.ALLOWED,),
}


@dataclass(frozen=True)
class SentRequest:
    """A request of ours. `client` is the row of our client, `practitioner` that of who asked (None
    where it came from an earlier program), `card` what came back, `consent` the record of the
    client's that it rests on, if it does, `needed_by` by when they need an answer (Unix seconds).

    `clock`: who has it until when at the other agency; `overdue` is the hub's statement that nobody
    answered in time, `reason` what a person there wrote who refused. Once the card is deleted
    `wiped` says whether it is gone from the files too; `recall` or `wrong_person` is the statement
    that had it deleted, if one had. `recalled_by`: by whom, as long as another card may take its
    place; `renewed_at`: when one did.
    """

    hub_id: str
    request_id: str
    client: int
    holder: str
    link_id: str | None
    asked_at: int
    expires: int
    state: SentState = SentState.SENDING
    statement_id: str | None = None
    code: str | None = None
    field: str | None = None
    decision: LoggedDecision | None = None
    card: ContactCard | None = None
    release_id: str | None = None
    keep_until: int | None = None
    recall: str | None = None
    wrong_person: str | None = None
    wiped: int | None = None
    practitioner: int | None = None
    consent: int | None = None
    needed_by: int | None = None
    recalled_by: str | None = None
    renewed_at: int | None = None
    clock: Steps | None = None
    overdue: str | None = None
    reason: Opening | None = None

    @property
    def may_be_renewed(self) -> bool:
        """Whether another card may take the place of ours: the holder itself recalled that, and we
        owe no word that it is gone.
        """
        owes = self.recall is not None and self.wiped != 1
        return self.state is _S.RECALLED and self.recalled_by == self.holder and not owes

    def without_former(self) -> "SentRequest":
        """The same when another card has come in the place of ours, which is gone."""
        owed = 0 if self.wiped == 0 else None  # of a copy that was put back: it was stated before
        return replace(self, recall=None, recalled_by=None, wiped=owed)

    def columns(self) -> Columns:
        """The row."""
        return _columns(self, self.__dataclass_fields__)

    def columns_beside(self, before: "SentRequest") -> Columns:
        """What differs from a former version."""
        return _columns(self, _differing(self, before))


@dataclass(frozen=True)
class Asker:
    """Who asks at the other agency."""

    name: str
    role: str


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that came to us. `involvement` is the row of ours that it asks for, if known.

    Of a card that left: `keep_until`, whose details it carries (`worker`, a row's id) and which
    (`carried`, as node/store/cards.py puts them), `gone_at` when the other node stated that it has
    deleted it, and whether a person said that it stays though the permission was withdrawn
    (`kept`). `overrode` is the newest objection (a row's id) that whoever allowed it knew of.
    `clock`: who has it here until when; `overdue` as in ours.

    `renew`: it was recalled so that another may leave. Of that one, `former_release` is what the
    card before it left by, and `renewed_at` when it left.

    Of whose it is: to whom it was `passed_to` and by whom (rows' ids), who answered, and what they
    wrote if they refused.
    """

    hub_id: str
    request_id: str
    statement_id: str
    requester: str
    link_id: str
    involvement: int | None
    purpose: str
    basis: str
    facts: Mapping[str, str]
    asker: Asker
    link_proof: LinkProof
    expires: int
    received_at: int
    state: ReceivedState = ReceivedState.ARRIVED
    hub_decision: str | None = None
    hub_outcome: str | None = None
    decision: LoggedDecision | None = None
    release_id: str | None = None
    disclosure: Disclosure | None = None
    keep_until: int | None = None
    worker: int | None = None
    gone_at: int | None = None
    kept: int = 0
    overrode: int | None = None
    carried: str | None = None
    renew: int = 0
    former_release: str | None = None
    renewed_at: int | None = None
    clock: Steps | None = None
    passed_to: int | None = None
    passed_by: int | None = None
    passed_at: int | None = None
    answered_by: int | None = None
    reason: Opening | None = None
    needed_by: int | None = None
    overdue: str | None = None

    @property
    def is_out(self) -> bool:
        """Whether a card has left and was not recalled."""
        return self.state in {_R.RELEASED, _R.OPENED}

    def as_released(self) -> "ReceivedRequest":
        """The same when its card leaves. The hub has not taken that yet: what one before it left by
        is no longer what is out.
        """
        leaves = replace(self, state=_R.RELEASED, renew=0)
        if not self.renew:
            return leaves
        return replace(leaves, former_release=self.release_id, release_id=None, gone_at=None)

    def columns(self) -> Columns:
        """The row."""
        return _columns(self, self.__dataclass_fields__)

    def columns_beside(self, before: "ReceivedRequest") -> Columns:
        """What differs from a former version."""
        return _columns(self, _differing(self, before))


_APART: Mapping[str, Callable[[Any], Columns]] = {
    "state": lambda state: {"state": state.value},
    "decision": decision_columns,
    "card": lambda card: {"card": text_of(card)},
    "facts": lambda facts: {"facts": json.dumps(dict(facts))},
    "asker": lambda asker: {"practitioner": json.dumps(vars(asker))},
    "link_proof": lambda proof: {"link_proof": text_of(proof)},
    "disclosure": lambda kept: {"disclosure": text_of(kept)},
    "clock": lambda clock: {"clock": clock_text(clock)},
    "reason": lambda reason: {"reason": text_of(reason)},
}
"""What a field is as columns; any other is the column of its name."""
_SENT_PLAIN = tuple(n for n in SentRequest.__dataclass_fields__ if n not in _APART)
_RECEIVED_PLAIN = tuple(n for n in ReceivedRequest.__dataclass_fields__ if n not in _APART)


def _differing(now: SentRequest | ReceivedRequest, before: object) -> list[str]:
    """The fields that differ. Each step changes a few of forty, and most of the rest are JSON."""
    return [
        name
        for name in now.__dataclass_fields__
        if (value := getattr(now, name)) is not (held := getattr(before, name)) and value != held
    ]


def _columns(request: SentRequest | ReceivedRequest, fields: Iterable[str]) -> Columns:
    columns: dict[str, object] = {}
    for name in fields:
        value, apart = getattr(request, name), _APART.get(name)
        columns |= apart(value) if apart else {name: value}
    return columns


def sent_of(row: Row) -> SentRequest:
    """A request of ours from its row, for stores that look for some."""
    return SentRequest(
        **{name: row[name] for name in _SENT_PLAIN},
        state=_S(row["state"]),
        decision=decision_of(row),
        card=of_text(ContactCard, row["card"]),
        reason=of_text(Opening, row["reason"]),
        clock=clock_of(row["clock"]),
    )


def received_of(row: Row) -> ReceivedRequest:
    """A request that came to us from its row, for stores that look for some."""
    practitioner = json.loads(row["practitioner"])
    return ReceivedRequest(
        **{name: row[name] for name in _RECEIVED_PLAIN},
        state=_R(row["state"]),
        facts=json.loads(row["facts"]),
        asker=Asker(practitioner["name"], practitioner["role"]),
        link_proof=LinkProof.model_validate(json.loads(row["link_proof"])),
        decision=decision_of(row),
        disclosure=of_text(Disclosure, row["disclosure"]),
        clock=clock_of(row["clock"]),
        reason=of_text(Opening, row["reason"]),
    )
