"""What a request rests on: facts and their openings, a proven link, and who asks.

Used by requests for contact details and by identity checks alike (specs/06-requests.md §2, §6).
"""

from collections.abc import Mapping

from node.links.secrets import link_secrets
from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.commitments import commit, verify_commitment
from protocol.contact import read_name
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.governance.charter import FactRule
from protocol.messages.bodies import RequestBody
from protocol.messages.parts import LinkProof
from protocol.messages.review import IdentityRequestBody
from protocol.requests.decide import fits
from protocol.requests.refusals import RefusalCode, sentence
from protocol.requests.sealing import FACT_LIMIT, Opening
from protocol.tokens import link_key, verify_link_proof


def practitioner_name(tables: NodeTables, practitioner: int) -> str:
    """The name of one of our practitioners, as it can be sent. Raises LocalError."""
    found = tables.people.get(practitioner)
    if found is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no such practitioner here")
    name = read_name(found.name)
    if name is None:
        raise LocalError(
            ErrorCode.NOT_READY,
            "your name as imported is too long, or mixes letters that look alike: correct it",
        )
    return name


def request_facts(
    membership: HubMembership, basis_code: str, values: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Opening]]:
    """Facts for a request: committed ones as commitments, with openings for the holder.

    Raises LocalError for a value that is not of its form: free text never leaves in the clear.
    A fact that is missing is left to the hub, which refuses and logs it.
    """
    basis = membership.charter.lawful_basis(basis_code)
    rules = {rule.field: rule for rule in basis.asked} if basis else {}
    facts: dict[str, str] = {}
    openings: dict[str, Opening] = {}
    for name, value in values.items():
        rule = rules.get(name)
        if rule is not None and rule.type == "committed":
            _check_length(rule, value)
            salt = membership.env.random(32)
            facts[name] = commit(salt, value)
            openings[name] = Opening(salt=salt.hex(), value=value)
        elif rule is not None and fits(rule, value):
            facts[name] = value
        else:
            raise LocalError(ErrorCode.MALFORMED, _not_so(name, rule, rules))
    return facts, openings


def _not_so(name: str, rule: FactRule | None, rules: Mapping[str, FactRule]) -> str:
    """What a fact is to be that was said otherwise."""
    said = sentence(RefusalCode.WRONG_FACT, name)
    if rule is None:
        return f"{said} It asks for: {', '.join(rules) or 'no fact'}."
    if rule.type == "enum":
        return f"{said} It is one of: {', '.join(rule.choices)}."
    return f"{said} It is a day, as 2026-11-30."


def _check_length(rule: FactRule, value: str) -> None:
    if not value.strip():
        raise LocalError(ErrorCode.MALFORMED, f"{rule.title} This is empty: say it")
    if len(value) > FACT_LIMIT:
        raise LocalError(
            ErrorCode.TOO_LARGE,
            f"{rule.title} This has {len(value)} characters, and at most {FACT_LIMIT} can be sent: "
            "shorten it",
        )


def opened_facts(
    membership: HubMembership,
    body: RequestBody | IdentityRequestBody,
    openings: Mapping[str, Opening],
) -> dict[str, str]:
    """Facts in the clear: committed ones by their openings, which must fit. Raises RemoteError."""
    basis = membership.charter.lawful_basis(body.basis)
    rules = basis.asked if basis else []
    committed = {rule.field for rule in rules if rule.type == "committed"}
    facts = dict(body.facts)
    for name in committed & facts.keys():
        opening = openings.get(name)
        if opening is None:
            raise RemoteError(ErrorCode.BAD_PROOF, f"fact {name} was not opened to us")
        verify_commitment(facts[name], bytes.fromhex(opening.salt), opening.value)
        facts[name] = opening.value
    return facts


def proven_key(
    tables: NodeTables, membership: HubMembership, stub_id: str, proof: LinkProof, request_id: str
) -> bytes:
    """Our link key under which a proof holds: the other side has a value that we have too. Empty if
    none does.
    """
    for secret in link_secrets(tables, membership, stub_id, proof.match_key_id):
        key = link_key(secret, membership.hub.hub_id, proof.epoch, proof.match_key_id)
        try:
            verify_link_proof(bytes.fromhex(proof.proof), key, request_id)
        except PatchworkError:
            continue
        return key
    return b""
