"""How many witnesses a charter names, whose they are, and how many must sign: specs/05-log.md §13.

Pure, and asked only before a charter is founded or changed: a reader of a log takes the charter as
the log has it.
"""

from collections.abc import Sequence

from protocol.governance.charter import Charter

FEWEST, MOST, OUTSIDE = 3, 7, 2


def least_quorum(witnesses: int) -> int:
    """floor(2n/3) + 1: two quorums always share an honest witness while under a third lie."""
    return 2 * witnesses // 3 + 1


def witness_faults(charter: Charter) -> tuple[str, ...]:
    """What is wrong with the charter's witnesses and quorum, in sentences for the operator."""
    domains = [item.control_domain for item in charter.witnesses]
    return faults_of(domains, charter.hub.control_domain, charter.quorum)


def faults_of(domains: Sequence[str], hub_domain: str, quorum: int) -> tuple[str, ...]:
    """The same of the witnesses' control domains, before there is a charter."""
    count, least = len(domains), least_quorum(len(domains))
    outside = sum(domain != hub_domain for domain in domains)
    faults = (
        (
            not FEWEST <= count <= MOST,
            f"a charter names {FEWEST} to {MOST} witnesses, and this one names {count}",
        ),
        (
            outside < OUTSIDE,
            f"at least {OUTSIDE} witnesses are outside the hub's control domain, here {outside}",
        ),
        (quorum < least, f"of {count} witnesses at least {least} must sign, not {quorum}"),
    )
    return tuple(says for fault, says in faults if fault)
