"""What people's answers make of a link: specs/06-requests.md §5. Pure, and property-tested.

The hub works out with it what each side is shown and asked. It is not trusted with who the people
are, and sees no token: a question is a hash over token sets that only the hub can make.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from protocol.matchkeys.score import Outcome

_LABEL = b"patchwork.question.v1"


class Said(StrEnum):
    """What a person may say of a link."""

    SAME = "same"
    NOT_SAME = "not_same"


@dataclass(frozen=True)
class Answer:
    """One side's last answer, and the question (both token sets as they were) that it was to."""

    said: Said
    question: str


@dataclass(frozen=True)
class View:
    """What one side of a link is shown (`match`, `possible`, `ended`), and whether it is asked."""

    shown: str
    asked: bool


@dataclass(frozen=True)
class Standing:
    """A link's state as the log says it, and the view of each side."""

    state: str
    a: View
    b: View


ENDED = Standing("ended", View("ended", asked=False), View("ended", asked=False))


def review(outcome: Outcome, question: str, a: Answer | None, b: Answer | None) -> Standing:
    """What a link is, from its score's outcome, the present question and each side's last answer.

    An answer to an earlier question is none: one of the token sets has changed since.
    """
    said_a, said_b = _said(a, question), _said(b, question)
    state = _state(outcome, said_a, said_b)
    if state == "ended":
        return ENDED
    return Standing(
        state,
        _view(state, said_a, doubted=a is not None or said_b is Said.NOT_SAME),
        _view(state, said_b, doubted=b is not None or said_a is Said.NOT_SAME),
    )


def kept_from(standing: Standing, side: str, other: Answer | None, question: str) -> Standing:
    """A possible link that one side (`a` or `b`) must not hear of until the other says "same".

    specs/04-matching.md §7.3: where only places agree, the side that came later may have guessed.
    """
    if standing.state != "possible" or _said(other, question) is Said.SAME:
        return standing
    unseen = View("ended", asked=False)
    return replace(standing, a=unseen) if side == "a" else replace(standing, b=unseen)


def question_of(ends: Sequence[tuple[str, Mapping[str, Sequence[bytes]]]]) -> str:
    """The name of a question: a hash over the ends' stub ids and (peppered) token sets.

    The order of the ends and of the tokens within a type does not matter.
    """
    digest = hashlib.sha256(_LABEL)
    for stub_id, tokens in sorted(ends, key=lambda end: end[0]):
        inner = hashlib.sha256(stub_id.encode())
        for key in sorted(tokens):
            for token in sorted(tokens[key]):
                inner.update(hashlib.sha256(key.encode()).digest())
                inner.update(hashlib.sha256(token).digest())
        digest.update(inner.digest())
    return digest.hexdigest()


def _said(answer: Answer | None, question: str) -> Said | None:
    return answer.said if answer is not None and answer.question == question else None


def _state(outcome: Outcome, a: Said | None, b: Said | None) -> str:
    if a is b is Said.SAME:
        return "match"
    if a is b is Said.NOT_SAME or outcome is Outcome.NONE:
        return "ended"
    return outcome.value


def _view(state: str, own: Said | None, *, doubted: bool) -> View:
    """A side is asked about what is not settled by its score, and about what it once answered."""
    shown = "ended" if own is Said.NOT_SAME else state
    return View(shown, asked=own is None and (state == "possible" or doubted))
