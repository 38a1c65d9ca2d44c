"""The register of people, and what was done in whose name, as values."""

from typing import Any

from node.membership.hub import HubMembership
from node.store.people import PersonKind
from node.store.tables import NodeTables
from node.store.team_roles import TeamRole

KINDS = {
    PersonKind.WORKER: "worker",
    PersonKind.MANAGER: "manager",
    PersonKind.DUTY_WORKER: "duty worker",
    PersonKind.GOVERNANCE_LEAD: "lead for information governance",
    PersonKind.ADMINISTRATOR: "runs the node",
}


def roles_of(tables: NodeTables, membership: HubMembership, person: int) -> tuple[str, ...]:
    """The roles of the charter's in which one of us (a row's id) may act: the one that stands in
    their record, or else all of them to choose from.
    """
    own = tables.people.get(person)
    role = (own.role or "").strip().lower().replace(" ", "_") if own else ""
    known = membership.charter.roles
    return (role,) if role in known else tuple(known)


def people_value(tables: NodeTables) -> list[dict[str, Any]]:
    """Everybody in the register, by name, with what they did that no statement names them for."""
    acts: dict[int, list[dict[str, Any]]] = {}
    roles, away = tables.team_roles.all(), _away(tables)
    for act in tables.people.acts():
        said = {"what": act.what.value, "subject": act.subject, "at": act.at}
        acts.setdefault(act.person, []).append(said)
    return [
        {
            "id": person.id,
            "name": person.title,
            "kind": person.kind.value,
            "role": person.role,
            "since": person.since,
            "closed_at": person.closed_at,
            **{role.value: list(roles.get(person.id, {}).get(role, ())) for role in TeamRole},
            "away": away.get(person.id, []),
            "mail": person.mail_wish,
            "mail_refused": person.mail_refused is not None and person.mail_address is None,
            "acts": acts.get(person.id, []),
        }
        for person in tables.people.all()
    ]


def _away(tables: NodeTables) -> dict[int, list[dict[str, Any]]]:
    """When each is away, the last and what is to come, and who covers."""
    found: dict[int, list[dict[str, Any]]] = {}
    for absence in tables.absences.from_on(0):
        cover = tables.people.get(absence.cover) if absence.cover is not None else None
        said = {"from": absence.starts_at, "until": absence.ends_at}
        one = {**said, "cover": cover.title if cover is not None else None}
        found.setdefault(absence.person, []).append(one)
    return found
