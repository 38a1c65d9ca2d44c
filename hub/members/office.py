"""What the operator's commands do: make a hub, invite, approve, suspend, reinstate, revoke members.

Typed actions on a hub's folder or within a transaction; nothing here asks, prints, or reads a
terminal. What an action leaves for the running hub is carried out by hub/server/jobs.py.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hub.config import SETTINGS, HubSettings, load_settings
from hub.log.ledger import HubSigner
from hub.members.enrolment import INVITATION_SECONDS, code_hash, enrolment_of
from hub.members.founding import Founding, Terms, found
from hub.members.membership import rotation_of
from hub.store.members import ApplicantState, MemberStatus, RotationState
from hub.store.tables import HubTables, opened
from protocol.contact import require_hours, require_name, require_phone
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.admission import Newcomer, joined_at, needs_endorsement
from protocol.governance.amendments import check_name
from protocol.governance.ceremony import (
    CEREMONY_LIMIT,
    CeremonyTerms,
    HolderRecord,
    SignedTranscript,
)
from protocol.governance.charter import DutyDesk
from protocol.governance.fingerprint import check_words, fingerprint_words
from protocol.governance.witness_rules import least_quorum
from protocol.log.merkle import leaf_hash
from protocol.log.note import NoteSigner, SignatureType, VerifierKey, parse_vkey
from protocol.signing import SecretSeed
from protocol.wire import Invitation
from runtime.environment import Environment
from runtime.files import put_file
from runtime.folders import HUB, require
from runtime.handed import read_handed
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from runtime.settings import place_of_setting
from transport.client import require_url

FEWEST_HOLDERS = 2


@dataclass(frozen=True)
class Plan:
    """What a hub is to be, before there is a charter."""

    charter_id: str
    hub_name: str
    control_domain: str
    origin: str


@dataclass(frozen=True)
class FirstCharter:
    """What the first charter says that nobody can know before: who watches the log, how many of
    them must sign, whom everybody can call now, and how members are let in.
    """

    witnesses: Sequence[dict[str, str]]
    quorum: int
    duty_desk: DutyDesk
    admission: Terms


@dataclass(frozen=True)
class Candidate:
    """Somebody who applied, or has new keys that wait, with the words to compare."""

    party_id: str
    name: str
    member_class: str
    clients: int
    state: str
    words: str


@dataclass(frozen=True)
class WaitingRotation:
    """New keys that wait for the operator, with the words to compare."""

    party_id: str
    words: str


def make_hub(folder: Path, plan: Plan, env: Environment) -> None:
    """Make a new hub's keys and folder. Raises LocalError(CONFLICT) if there are keys already.

    The keys come last: a folder that has them is whole.
    """
    try:
        check_origin(plan.origin)
    except LocalError as error:
        raise LocalError(error.code, f"--origin: {error.detail}") from None
    make_own_folder(folder)
    if has_hub(folder):
        raise LocalError(
            ErrorCode.CONFLICT,
            "keys.json is there already, and is never replaced: choose another folder",
        )
    put_file(folder / "plan.json", json.dumps(asdict(plan)).encode())
    secrets = {key: env.random(32) for key in ("sign", "log", "pepper")}
    write_secrets(folder / "keys.json", secrets)


def has_hub(folder: Path) -> bool:
    """Whether a hub was made here."""
    return (folder / "keys.json").exists()


def check_origin(origin: str) -> None:
    """Raise LocalError(CONFIGURATION) for what can be no log's name."""
    NoteSigner(origin, SignatureType.ED25519, SecretSeed(bytes(32)))


def log_signer(folder: Path, plan: Plan) -> NoteSigner:
    """What signs this hub's checkpoints. Raises LocalError."""
    secrets = read_secrets(folder / "keys.json")
    return NoteSigner(plan.origin, SignatureType.ED25519, SecretSeed(secrets["log"]))


def has_plan(folder: Path) -> bool:
    """Whether it was said here what a hub is to be."""
    return (folder / "plan.json").exists()


def read_plan(folder: Path) -> Plan:
    """What this hub is to be. Raises LocalError."""
    require(folder, HUB)
    try:
        return Plan(**json.loads((folder / "plan.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise LocalError(ErrorCode.CONFIGURATION, "plan.json is not a hub's plan") from error


def ceremony_terms(plan: Plan, holders: Sequence[HolderRecord], threshold: int) -> CeremonyTerms:
    """What every key holder needs to deal and combine. Raises LocalError(CONFIGURATION)."""
    each = {holder.holder_id for holder in holders}
    if len(each) < len(holders):
        raise LocalError(ErrorCode.CONFIGURATION, "--holder: one key holder is named twice")
    if not FEWEST_HOLDERS <= threshold <= len(holders):
        raise LocalError(
            ErrorCode.CONFIGURATION,
            f"--threshold: of {len(holders)} key holders it takes at least {FEWEST_HOLDERS} and "
            f"at most all: name more with --holder, or say another number",
        )
    return CeremonyTerms(
        charter_id=plan.charter_id, epoch=1, threshold=threshold, holders=list(holders)
    )


def read_terms(folder: Path) -> CeremonyTerms:
    """The terms of the key ceremony. Raises LocalError."""
    require(folder, HUB)
    path = folder / "terms.json"
    if not path.exists():
        detail = "there are no terms yet: run patchwork-hub ceremony"
        raise LocalError(ErrorCode.NOT_READY, detail)
    what = "the terms of a key ceremony"
    return read_handed(CeremonyTerms, path, what, limit=CEREMONY_LIMIT)


def make_duty_desk(name: str, phone: str, hours: str) -> DutyDesk:
    """The duty desk as the operator typed it. Raises LocalError(CONFIGURATION) naming the field."""
    typed = {"name": (require_name, name), "phone": (require_phone, phone)}
    typed["hours"] = (require_hours, hours)
    values = {}
    for field, (check, text) in typed.items():
        try:
            values[field] = check(text)
        except ValueError as error:
            raise LocalError(ErrorCode.CONFIGURATION, f"the duty desk's {field}: {error}") from None
    return DutyDesk(**values)


def parse_witness(text: str) -> dict[str, str]:
    """A witness from 'VKEY;control domain'. Raises LocalError, RemoteError."""
    vkey, _, domain = text.partition(";")
    try:
        name = parse_vkey(vkey).name
    except RemoteError:
        name = ""
    if not domain or not name:
        detail = "--witness: write 'VKEY;control domain', with the key that the witness printed"
        raise LocalError(ErrorCode.CONFIGURATION, detail)
    return {"name": name, "control_domain": domain, "vkey": vkey}


async def found_federation(
    folder: Path,
    terms: CeremonyTerms,
    transcripts: Sequence[SignedTranscript],
    first: FirstCharter,
    env: Environment,
) -> str:
    """Write the first charter into the log; the genesis fingerprint. Raises as `found` does."""
    plan, keys = read_plan(folder), read_secrets(folder / "keys.json")
    count, names = len(first.witnesses), {witness["name"] for witness in first.witnesses}
    if len(names) < count:
        raise LocalError(ErrorCode.CONFIGURATION, "--witness: one witness is named twice")
    if not least_quorum(count) <= first.quorum <= count:
        said = f"--quorum: of {count} witnesses {least_quorum(count)} to {count} must sign"
        raise LocalError(ErrorCode.CONFIGURATION, said)
    log_key = log_signer(folder, plan).key
    founding = Founding(
        charter_id=plan.charter_id,
        hub_name=plan.hub_name,
        control_domain=plan.control_domain,
        log_key=log_key,
        witnesses=first.witnesses,
        quorum=first.quorum,
        holders=terms.holders,
        transcripts=transcripts,
        duty_desk=first.duty_desk,
        terms=first.admission,
    )
    signer = HubSigner(SecretSeed(keys["sign"]), env)
    async with opened(folder) as engine:
        genesis = await engine.write(lambda tables: found(tables, founding, signer))
    _tell_genesis(folder, genesis, log_key)
    return genesis


async def founded_as(folder: Path) -> str | None:
    """The genesis fingerprint, or None if this hub is not founded yet. What a founding that was cut
    off left unwritten is written.
    """
    async with opened(folder) as engine:
        first = await engine.read(lambda tables: tables.log.leaves(0, 1))
    if not first:
        return None
    genesis = leaf_hash(first[0]).hex()
    _tell_genesis(folder, genesis, log_signer(folder, read_plan(folder)).key)
    return genesis


def _tell_genesis(folder: Path, genesis: str, log_key: VerifierKey) -> None:
    put_file(folder / "log.vkey", f"{log_key.text}\n".encode())
    put_file(folder / "genesis", f"{genesis}\n".encode())


async def make_invitation(folder: Path, env: Environment) -> Invitation:
    """Make a one-time invitation, to be handed to one new member. Raises LocalError."""
    invitation, expires = new_invitation(folder, env)
    async with opened(folder) as engine:
        await engine.write(lambda tables: keep_invitation(tables, invitation, expires))
    return invitation


def keep_invitation(tables: HubTables, invitation: Invitation, expires: int) -> str:
    """Let whoever has an invitation apply with it, once and until then; the hash it is kept by."""
    hashed = code_hash(invitation.code)
    tables.members.invite(hashed, expires)
    return hashed


def new_invitation(folder: Path, env: Environment) -> tuple[Invitation, int]:
    """An invitation that is not kept yet, and until when it is to hold. Raises LocalError."""
    plan, settings = read_plan(folder), load_settings(folder)
    if not (folder / "genesis").exists():
        raise LocalError(ErrorCode.NOT_READY, "there is no charter yet: run patchwork-hub found")
    url = settings.public_url or f"http://{settings.host}:{settings.port}"
    allowed = settings.allow_private_addresses
    named = place_of_setting(HubSettings, "public_url", SETTINGS)
    require_url(url, f"{named}, where newcomers find this hub", allow_private=allowed)
    code = env.random(32).hex()
    expires = env.clock() + INVITATION_SECONDS
    invitation = Invitation(
        hub=url,
        hub_name=plan.hub_name,
        genesis=(folder / "genesis").read_text(encoding="utf-8").strip(),
        code=code,
    )
    return invitation, expires


def candidates(tables: HubTables) -> list[Candidate]:
    """Everybody who ever applied, oldest first, and then members whose new keys wait."""
    applied, directory = [], tables.directory.current()
    for applicant in tables.members.applicants(*ApplicantState):
        body, member = enrolment_of(applicant), directory.member(applicant.party_id)
        words = fingerprint_words(body.party_id, body.keys)
        now = member.body if member else body
        who = (body.party_id, now.name, body.member_class, now.clients or 0)
        applied.append(Candidate(*who, applicant.state, words))
    by_id = {item.party_id: item for item in applied}
    return applied + [
        replace(by_id[item.party_id], state="new keys wait", words=item.words)
        for item in waiting_rotations(tables)
    ]


def party_of(tables: HubTables, who: str) -> str:
    """The id of whoever applied or is a member under this id or name (whatever its case).

    Raises LocalError: NOT_FOUND, CONFLICT if several go by that name.
    """
    known = {item.party_id: item.name for item in candidates(tables)}
    if who in known:
        return who
    plain = " ".join(who.split()).casefold()
    found = [party_id for party_id, name in known.items() if name.casefold() == plain]
    if len(found) > 1:
        ids = ", ".join(found)
        raise LocalError(ErrorCode.CONFLICT, f"several go by that name, say which by its id: {ids}")
    if not found:
        raise LocalError(
            ErrorCode.NOT_FOUND, "there is no member with that id or name: patchwork-hub members"
        )
    return found[0]


def approve(tables: HubTables, party_id: str, words: str) -> None:
    """Approve an application, or new keys, after comparing words. Raises LocalError."""
    applicant = tables.members.applicant(party_id)
    if applicant is None or applicant.state is not ApplicantState.WAITING:
        approve_rotation(tables, party_id, words)
        return
    check_words(words, party_id, enrolment_of(applicant).keys)
    tables.members.move_applicant(party_id, ApplicantState.APPROVED)


def refuse(tables: HubTables, party_id: str) -> None:
    """Turn an application down; they may apply again, invited anew. Raises LocalError."""
    tables.members.move_applicant(party_id, ApplicantState.REJECTED)


def order(tables: HubTables, party_id: str, status: MemberStatus) -> None:
    """The operator's order, for the running hub. Raises LocalError."""
    applicant = tables.members.applicant(party_id)
    if applicant is None or applicant.state is not ApplicantState.MEMBER:
        raise LocalError(ErrorCode.NOT_FOUND, "there is no member with that id")
    tables.members.order(party_id, status)


def rename(tables: HubTables, party_id: str, name: str) -> None:
    """A member's new name, for the running hub. Raises LocalError, RemoteError(CONFLICT)."""
    directory = tables.directory.current()
    member = directory.member(party_id)
    if member is None or MemberStatus(member.body.status) is MemberStatus.REVOKED:
        raise LocalError(ErrorCode.NOT_FOUND, "there is no member with that id")
    try:
        clean = require_name(name)
    except ValueError as error:
        raise LocalError(ErrorCode.CONFIGURATION, f"name: {error}") from None
    check_name(member.body, clean, directory.bodies())
    tables.members.rename(party_id, clean)


def resize(tables: HubTables, party_id: str, clients: int) -> None:
    """How many clients a member has from here on, for the running hub. Raises LocalError."""
    directory = tables.directory.current()
    history = directory.members.get(party_id)
    if not history or MemberStatus(history[-1].body.status) is MemberStatus.REVOKED:
        raise LocalError(ErrorCode.NOT_FOUND, "there is no member with that id")
    newcomer = replace(Newcomer.of(history[0].body), clients=clients)
    if needs_endorsement(directory, newcomer, joined_at(directory, party_id)):
        words = fingerprint_words(party_id, history[0].body.keys)
        raise LocalError(
            ErrorCode.NOT_READY,
            "another organisation must answer for so many first: patchwork-node endorse "
            f'"{words}" --name "{newcomer.name}" --clients {clients}',
        )
    tables.members.resize(party_id, clients)


def waiting_rotations(tables: HubTables) -> list[WaitingRotation]:
    """Rotations that wait for the operator, with the words to compare."""
    found = []
    for rotation in tables.members.rotations(RotationState.WAITING):
        body = rotation_of(rotation.envelope)
        words = fingerprint_words(body.party_id, body.keys)
        found.append(WaitingRotation(body.party_id, words))
    return found


def approve_rotation(tables: HubTables, party_id: str, words: str) -> None:
    """Approve new keys after comparing words. Raises LocalError."""
    rotation = tables.members.rotation(party_id)
    if rotation is None or rotation.state is not RotationState.WAITING:
        raise LocalError(ErrorCode.NOT_FOUND, "nobody with that id waits for approval")
    body = rotation_of(rotation.envelope)
    check_words(words, body.party_id, body.keys)
    member = tables.directory.current().member(party_id)
    if member is None or member.statement_id != body.replaces:
        raise LocalError(
            ErrorCode.CONFLICT,
            "the membership has changed since they sent this: have them run rotate-keys again",
        )
    tables.members.approve_rotation(party_id)
