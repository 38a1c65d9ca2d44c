"""Whose a request is now, and who may answer it: specs/06-requests.md §10.

The worker has it, then the team's duty, then a manager, as the charter's clock runs; whoever had it
before may still answer. `whose` is pure; what it goes by is read in `whose_request`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from node.membership.hub import HubMembership
from node.store.requests import ReceivedRequest
from node.store.tables import NodeTables
from node.store.team_roles import TeamRole
from protocol.requests.clock import Step, Steps


@dataclass(frozen=True)
class Passed:
    """To whom (a row's id) a request was passed on, and when."""

    to: int
    at: int


@dataclass(frozen=True)
class Chain:
    """Who can have a request at each step (rows' ids, the first to ask first; nobody who has left);
    who is away now, each with who covers for them (None: nobody); and to whom it was passed on.
    """

    people: Mapping[Step, Sequence[int]]
    away: Mapping[int, int | None]
    passed: Passed | None = None


@dataclass(frozen=True)
class Whose:
    """Who has a request (rows' ids), in which step or because it was passed on to them, until when
    (Unix seconds; None: no clock ends it), and who may answer it.
    """

    step: Step | None
    people: tuple[int, ...]
    until: int | None
    may_answer: frozenset[int]
    is_passed: bool = False


def whose(chain: Chain, clock: Steps | None, now: int) -> Whose:
    """Whose a request is at a time. Without a clock every step has begun, and the worker has it.

    A step with nobody in it is passed over, to the later ones first. What was passed on is with
    that colleague until the next step begins: passing on stretches no clock.
    """
    order = list(Step)
    due = clock.at(now) if clock is not None else Step.WORKER
    at = order.index(due)
    begun = order[: at + 1] if clock is not None else order
    here = {step: tuple(_present(chain, chain.people.get(step, ()))) for step in Step}
    held = next((step for step in [*order[at:], *reversed(order[:at])] if here[step]), None)
    people, until = here[held] if held is not None else (), _ends(clock, held or due, now)
    may = {one for step in begun for one in (*chain.people.get(step, ()), *here[step])}
    if chain.passed is not None:
        to = tuple(_present(chain, [chain.passed.to]))
        may |= {chain.passed.to, *to}
        if to and (clock is None or _begins(clock, due) <= chain.passed.at):
            until = _ends(clock, due, now)
            return Whose(None, to, until, frozenset(may), is_passed=True)
    return Whose(held, people, until, frozenset(may | {*people}))


def whose_request(tables: NodeTables, membership: HubMembership, request: ReceivedRequest) -> Whose:
    """Whose a request that waits for a person is now."""
    now, people = membership.env.clock(), tables.people
    teams = people.teams_on(request.involvement)
    chain = Chain(
        people={
            Step.WORKER: [person.id for person in people.working_on(request.involvement)],
            Step.DUTY: tables.team_roles.having(TeamRole.DUTY, teams),
            Step.MANAGER: tables.team_roles.having(TeamRole.MANAGER, teams),
        },
        away=_away(tables, now),
        passed=_passed(tables, request),
    )
    return whose(chain, request.clock, now)


def is_away(tables: NodeTables, person: int, now: int) -> bool:
    """Whether somebody is away and nobody who is here covers for them."""
    return not [*_present(Chain({}, _away(tables, now)), [person])]


def _begins(clock: Steps, step: Step) -> int:
    begins = {Step.WORKER: 0, Step.DUTY: clock.worker_until, Step.MANAGER: clock.duty_until}
    return begins[step]


def _ends(clock: Steps | None, step: Step, now: int) -> int | None:
    """Until when a step lasts; None of one that is over, or that no clock ends."""
    if clock is None:
        return None
    ends = {
        Step.WORKER: clock.worker_until,
        Step.DUTY: clock.duty_until,
        Step.MANAGER: clock.overdue_at,
    }
    return ends[step] if ends[step] > now else None


def _present(chain: Chain, people: Iterable[int]) -> Iterator[int]:
    """These people, each once; in the place of who is away who covers, who may be away too."""
    seen: set[int] = set()
    for one in people:
        met: set[int] = set()
        here: int | None = one
        while here is not None and here in chain.away and here not in met:
            met.add(here)
            here = chain.away[here]
        if here is not None and here not in seen and here not in chain.away:
            seen.add(here)
            yield here


def _away(tables: NodeTables, now: int) -> dict[int, int | None]:
    """Who is away now, and who of those who have not left covers for them."""
    found: dict[int, int | None] = {}
    for absence in tables.absences.from_on(now):
        if absence.starts_at <= now:
            cover = tables.people.get(absence.cover) if absence.cover is not None else None
            found[absence.person] = cover.id if cover is not None and cover.is_active else None
    return found


def _passed(tables: NodeTables, request: ReceivedRequest) -> Passed | None:
    """To whom it was passed on, unless they have left."""
    if request.passed_to is None or request.passed_at is None:
        return None
    person = tables.people.get(request.passed_to)
    active = person is not None and person.is_active
    return Passed(request.passed_to, request.passed_at) if active else None
