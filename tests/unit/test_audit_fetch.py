"""An auditor joins a real hub over HTTP, fetches its log and payloads, and opens the case."""

import asyncio
import hashlib
import json
import shutil
import stat
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.fetch.export import PayloadWriter
from audit.fetch.fetch import Fetch, Source
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from audit.witness.app import make_app
from audit.witness.store import WitnessStore, make_witness
from hub.config import load_settings
from hub.log.ledger import HubSigner, Ledger
from hub.matching.rounds import Matcher
from hub.members.enrolment import Enrolment, code_hash
from hub.server.routes import HubApp
from hub.server.service import HubService
from hub.server.services import Services
from hub.store.members import ApplicantState
from hub.store.tables import HubEngine, HubTables, open_engine
from protocol.commitments import commit
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64, to_base64
from protocol.governance.fingerprint import fingerprint_words
from protocol.messages.bodies import (
    CharterAcceptBody,
    CharterBody,
    ChunkRef,
    EnrolmentBody,
    PublicationBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
    RowsChunk,
    StubRow,
    StubTokens,
    TokensChunk,
)
from protocol.messages.parts import LinkProof, RequestPins, RequestPractitioner
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.sealing import sealed_hash
from protocol.wire import Invitation, Message, encode_wire
from runtime.environment import Environment
from runtime.secrets import write_secrets
from tests.unit.audit_log import (
    ANNE,
    ANNES_STUB,
    ANNES_WORK,
    BERT,
    BERTS_STUB,
    BERTS_WORK,
    CHARTER_ID,
    DAY,
    HUB,
    LOG,
    WITNESSES,
    AuditLog,
    Party,
    council,
    make_charter,
    payload_line,
    work,
)
from transport.client import HttpClient

W1 = WITNESSES[0]
SEALED = b"only the holder can open this"


@dataclass
class Council:
    """A real hub with one real witness, and a pen that signs for everybody else."""

    services: Services
    http: HttpClient
    signer: AuditLog
    url: str = ""
    genesis: str = ""

    @property
    def engine(self) -> HubEngine:
        return self.services.engine

    def ledger(self, tables: HubTables) -> Ledger:
        return Ledger(tables, self.services.signer)

    async def invite(self, number: int) -> str:
        code = f"{number:064x}"
        await self.engine.write(lambda tables: tables.members.invite(code_hash(code), 2**40))
        return code

    def invitation(self, code: str) -> str:
        value = Invitation(hub=self.url, hub_name="Hub", genesis=self.genesis, code=code)
        return to_base64(encode_wire(value))

    async def admit(self, party: Party, member_class: str, number: int) -> None:
        body = EnrolmentBody(
            invitation_hash=code_hash(await self.invite(number)),
            party_id=party.id,
            name=f"Agency {party.letter}",
            member_class=member_class,
            control_domain=party.letter,
            duty_line="01632 960000",
            duty_hours="Always",
            keys=party.keys(),
            clients=4000,
        )
        envelope = self.signer.sign(party, body, CHARTER_ID).envelope.encode()
        await self.engine.write(lambda tables: Enrolment(self.ledger(tables)).apply(envelope))
        await self.approve(party.id)

    async def approve(self, party_id: str) -> None:
        approved = ApplicantState.APPROVED
        await self.engine.write(lambda tables: tables.members.move_applicant(party_id, approved))
        await self.engine.write(lambda tables: Enrolment(self.ledger(tables)).admit(party_id))

    async def submit(
        self,
        statement: Statement[WireModel],
        sealed: bytes | None = None,
        proof: bytes | None = None,
    ) -> Statement[WireModel]:
        """Hand a statement in; the hub's decision if it made one, else the statement."""
        message = Message(
            envelope=to_base64(statement.envelope.encode()),
            sealed=to_base64(sealed) if sealed else None,
            proof=to_base64(proof) if proof else None,
        )
        answer = await self.services.intake.submit(message)
        if answer.decision is None:
            return statement
        return parse_statement(from_base64(answer.decision))

    async def publish(self, party: Party, rows: Sequence[tuple[str, str, str, str]]) -> str:
        tokens = []
        stubs = []
        for stub_id, work_id, kind, label in rows:
            values = {
                key: [to_base64(hashlib.sha256(key.encode()).digest()[:16])]
                for key in self.signer.charter.policy.keys
            }
            said = {"stub_id": stub_id, "tokens": values}
            tokens.append(StubTokens(salt="5a" * 32, **said))  # type: ignore[arg-type]
            row = StubRow(
                stub_id=stub_id,
                revision=1,
                retired=False,
                involvements=[work(work_id, kind, label, int(time.time()) + 90 * DAY)],
                token_commitment=commit(b"\x5a" * 32, said),  # type: ignore[arg-type]
            )
            stubs.append(row)
        chunks = [encode_wire(RowsChunk(rows=stubs)), encode_wire(TokensChunk(tokens=tokens))]
        refs = [
            ChunkRef(hash=hashlib.sha256(data).hexdigest(), length=len(data), count=len(rows))
            for data in chunks
        ]
        body = PublicationBody(sequence=1, epoch=1, rows=refs[:1], tokens=refs[1:])
        statement = self.signer.sign(party, body, CHARTER_ID)
        envelope = to_base64(statement.envelope.encode())
        intake = self.services.intake
        await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
        for data in chunks:
            await intake.add_chunk(statement.id, data)
        return statement.id

    async def step(self) -> None:
        await self.services.publisher.step(self.http)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Council]:
    folder = tmp_path / "hub"
    folder.mkdir()
    write_secrets(
        folder / "keys.json",
        {"sign": HUB.seed.value, "log": LOG.seed.value, "pepper": b"\x05" * 32},
    )
    make_witness(tmp_path / "w1", W1.name, W1.seed)
    store = WitnessStore(tmp_path / "w1")
    store.add_log(LOG.key)
    witness = TestServer(make_app(store, lambda: int(time.time())))
    await witness.start_server()
    (folder / "hub.toml").write_text(
        f"""allow_private_addresses = true
[witness_urls]
"{W1.name}" = "{witness.make_url("")}"
"""
    )
    named = {"name": W1.name, "control_domain": "away", "vkey": W1.key.text}
    signer = AuditLog(
        make_charter(witnesses=[named], quorum=1, admission=None), now=int(time.time())
    )
    await _found(folder, signer)
    service = HubService(folder, load_settings(folder), Environment())
    services = await service.start()
    async with HttpClient(allow_private=True) as http:
        council = Council(services, http, signer)
        server = TestServer(HubApp(services).application())
        await server.start_server()
        council.url = str(server.make_url("")).rstrip("/")
        council.genesis = signer.genesis()
        await council.step()
        yield council
        await server.close()
    await service.engine.close()
    await witness.close()
    store.close()


async def _found(folder: Path, signer: AuditLog) -> None:
    charter = signer.charter
    body = CharterBody(
        version=1,
        predecessor=None,
        document_hash=charter.document_hash,
        document_length=len(charter.encode()),
    )
    first = signer.say(HUB, body, CHARTER_ID)

    def found(tables: HubTables) -> None:
        tables.charters.keep(charter.document_hash, charter.encode())
        Ledger(tables, HubSigner(HUB.seed, Environment())).append(first)
        tables.mailboxes.begin("00" * 16)

    engine = open_engine(folder)
    await engine.write(found)
    await engine.close()


async def run(*arguments: str | Path) -> tuple[int, str]:
    words = [str(item) for item in arguments]
    result = await asyncio.to_thread(CliRunner().invoke, app, words)
    return result.exit_code, result.output


REACHED = ("--duty-line", "01632 960140", "--duty-hours", "Weekdays 9 to 5")


async def joined(hub: Council, folder: Path) -> str:
    """The auditor's party id, after joining in two steps as people do."""
    who = ("--name", "Audit Office", "--control-domain", "audit", *REACHED)
    assert (await run("init", folder, *who))[0] == 0
    words = ("join", folder, hub.invitation(await hub.invite(99)), "--allow-private-addresses")
    code, text = await run(*words, "--no-wait")
    assert code == 0, text
    party_id = json.loads((folder / "membership.json").read_text())["party_id"]
    waiting = ApplicantState.WAITING
    rows = await hub.engine.read(lambda tables: tables.members.applicants(waiting))
    enrolment = parse_statement(rows[0].envelope).expect(EnrolmentBody).body
    assert fingerprint_words(party_id, enrolment.keys) in text
    await hub.approve(party_id)
    await hub.step()
    code, text = await run(*words)
    assert (code, "The log names us as its auditor." in text) == (0, True)
    return str(party_id)


async def brokered(hub: Council) -> None:
    """Two agencies with one client: published, matched, asked, allowed, released, received."""
    await hub.admit(ANNE, "childrens_social_care", 1)
    await hub.admit(BERT, "health_provider", 2)
    for party in (ANNE, BERT):
        accept = CharterAcceptBody(version=1, document_hash=hub.signer.charter.document_hash)
        await hub.submit(hub.signer.sign(party, accept, CHARTER_ID))
    publication = await hub.publish(ANNE, [(ANNES_STUB, ANNES_WORK, "early_help", "Early help")])
    rows = [(BERTS_STUB, BERTS_WORK, "health_visiting", "Health visiting")]
    await hub.publish(BERT, rows)
    changed = await hub.engine.write(lambda tables: Matcher(hub.ledger(tables)).run(tables))
    assert changed == 1
    link = (await hub.engine.read(lambda tables: tables.tx.rows("SELECT * FROM link")))[0]
    directory = await hub.engine.read(lambda tables: tables.directory.current())
    now = int(time.time())
    anne, bert = directory.active(ANNE.id), directory.active(BERT.id)
    assert anne is not None
    assert bert is not None
    body = RequestBody(
        request_id="21" * 16,
        link_id=link["link_id"],
        stub_id=ANNES_STUB,
        involvement_id=BERTS_WORK,
        practitioner=RequestPractitioner(id="31" * 16, role="social_worker"),
        purpose="safeguarding_child",
        basis="UK-CA89-S17",
        facts={"views": "sought", "proportionality": "0" * 64},
        needed_by=now + DAY,
        expires=now + 2 * DAY,
        pins=RequestPins(
            round=link["round_id"],
            publication=publication,
            requester_membership=anne.statement_id,
            holder_membership=bert.statement_id,
            charter=directory.charters[0].statement_id,
        ),
        link_proof=LinkProof(match_key_id="init_sur_dob.1", epoch=1, proof="0" * 64),
        sealed_hash=sealed_hash(SEALED),
    )
    decided = await hub.submit(hub.signer.sign(ANNE, body, BERT.id), SEALED)
    decision = hub.signer.holder_decides(decided)  # type: ignore[arg-type]
    await hub.submit(decision)
    await hub.step()
    size = await hub.engine.read(lambda tables: tables.log.next_index())
    release = ReleaseBody(
        request_id="21" * 16,
        decision=decision.id,
        seal_key=ANNE.keys().seal,
        sealed_hash=sealed_hash(SEALED),
        tree_size=size,
        keep_until=int(time.time()) + DAY,
    )
    released = hub.signer.sign(BERT, release, ANNE.id)
    await hub.submit(released, SEALED, b"proof")
    receipt = ReceiptBody(
        request_id="21" * 16, release=released.id, sealed_hash=sealed_hash(SEALED)
    )
    await hub.submit(hub.signer.sign(ANNE, receipt, BERT.id))
    await hub.step()


async def test_what_a_real_hub_logs_is_fetched_and_audits_clean(
    hub: Council, tmp_path: Path
) -> None:
    await joined(hub, tmp_path / "auditor")
    await brokered(hub)
    case = tmp_path / "case"
    options = ("--genesis", hub.genesis, "--allow-private-addresses")
    code, text = await run("fetch", hub.url, "--out", case, "--dir", tmp_path / "auditor", *options)
    assert code == 0, text
    code, text = await run("open", case, "--json")
    report = json.loads(text)
    assert (code, report["findings"]) == (0, [])
    checked = report["checked"]
    assert (checked["decisions_made_again"], checked["kind_receipt"]) == (1, 1)
    assert (checked["stub_rows"], checked["link_items"]) == (2, 1)
    assert not case.with_name("case.partial").exists()

    # The export is itself in the log, which the old checkpoint is a part of.
    await hub.step()
    later = tmp_path / "later"
    await run("fetch", hub.url, "--out", later, "--dir", tmp_path / "auditor", *options)
    code, text = await run("verify", later, "--old", case / "log" / "checkpoint", "--json")
    assert code == 0, text
    code, text = await run("open", later, "--json")
    assert (code, json.loads(text)["checked"]["kind_export"]) == (0, 1)


async def test_the_auditors_secrets_are_its_owners_alone(hub: Council, tmp_path: Path) -> None:
    folder = tmp_path / "auditor"
    await joined(hub, folder)
    for name in ("keys.json", "recovery.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert (await run("init", folder, "--name", "Again", "--control-domain", "x", *REACHED))[0] == 2


async def test_a_stranger_gets_the_log_and_no_payloads(hub: Council, tmp_path: Path) -> None:
    case = tmp_path / "case"
    options = ("--genesis", hub.genesis, "--allow-private-addresses")
    assert (await run("fetch", hub.url, "--out", case, *options))[0] == 0
    assert (await run("verify", case))[0] == 0
    assert (await run("open", case))[0] == 3
    assert (await run("fetch", hub.url, "--out", case, *options))[0] == 2

    stranger = tmp_path / "stranger"
    await run("init", stranger, "--name", "Stranger", "--control-domain", "x", *REACHED)
    second = tmp_path / "second"
    code, text = await run("fetch", hub.url, "--out", second, "--dir", stranger, *options)
    assert (code, "without payloads" in text) == (2, True)
    assert (await run("verify", second))[0] == 0


async def test_the_command_says_what_is_wrong_with_its_input(hub: Council, tmp_path: Path) -> None:
    case = tmp_path / "case"
    private = "--allow-private-addresses"
    assert (await run("fetch", hub.url, "--out", case, "--genesis", "xyz", private))[0] == 2
    wrong = ("--genesis", "0" * 64)
    code, text = await run("fetch", hub.url, "--out", case, *wrong)
    assert (code, "only https addresses are followed" in text) == (2, True)
    await run("init", tmp_path / "a", "--name", "A", "--control-domain", "x", *REACHED)
    assert (await run("join", tmp_path / "a", "not an invitation", private))[0] == 3
    spent = "f" * 64
    assert (await run("join", tmp_path / "a", hub.invitation(spent), private))[0] == 3
    assert not (tmp_path / "a" / "membership.json").exists()
    name = "x" * 81
    who = ("--name", name, "--control-domain", "x", *REACHED)
    assert (await run("init", tmp_path / "b", *who))[0] == 2


async def test_nothing_is_signed_for_a_log_that_does_not_add_up(
    hub: Council, tmp_path: Path
) -> None:
    await joined(hub, tmp_path / "auditor")
    case = tmp_path / "case"
    words = ("fetch", hub.url, "--out", case, "--dir", tmp_path / "auditor")
    code, said = await run(*words, "--genesis", "0" * 64, "--allow-private-addresses")
    assert code == 1
    assert "What came is in case.another-log." in said
    assert "Fetched" not in said
    aside = tmp_path / "case.another-log"
    assert not (aside / "payloads").exists()
    assert (await run("verify", aside))[0] == 1
    code, said = await run(*words, "--genesis", hub.genesis, "--allow-private-addresses")
    assert code == 0, "a slip in the fingerprint is in nobody's way"
    assert (case / "payloads").exists()


class Served(HttpClient):
    """A log served from a folder, which may stop answering."""

    def __init__(self, folder: Path, answers: int = 10**6) -> None:
        super().__init__(allow_private=True)
        self.folder = folder
        self.answers = answers

    async def get(self, url: str) -> bytes:
        self.answers -= 1
        if self.answers < 0:
            raise RemoteError(ErrorCode.UNREACHABLE, "cut off")
        path = url.removeprefix("https://hub.example/")
        name = f"charters/{path[12:]}.json" if path.startswith("v1/") else f"log/{path}"
        if not (self.folder / name).is_file():
            raise RemoteError(ErrorCode.NOT_FOUND, "no such tile")
        return (self.folder / name).read_bytes()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    log = council()
    log.pad(300)
    folder = log.write(tmp_path_factory.mktemp("served") / "hub")
    shutil.rmtree(folder / "payloads")
    return folder, log.genesis()


async def fetch(http: HttpClient, case: Path, genesis: str) -> None:
    work_ = Fetch(http, Source("https://hub.example/", genesis), case)
    await work_.log(lambda done, total: None)
    work_.finish()


async def test_a_fetched_case_is_the_served_folder(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, genesis = served
    await fetch(Served(folder), tmp_path / "case", genesis)
    assert files(tmp_path / "case") == files(folder)


@pytest.mark.parametrize("answers", [0, 1, 2, 5])
async def test_a_fetch_that_is_cut_off_goes_on_later(
    served: tuple[Path, str], tmp_path: Path, answers: int
) -> None:
    folder, genesis = served
    with pytest.raises(RemoteError):
        await fetch(Served(folder, answers), tmp_path / "case", genesis)
    assert not (tmp_path / "case").exists()
    kept = sum(1 for name in files(tmp_path / "case.partial") if name != "genesis")
    assert kept == answers
    again = Served(folder)
    await fetch(again, tmp_path / "case", genesis)
    assert files(tmp_path / "case") == files(folder)
    # One more answer than files: it asks for kept notes, and this hub has none.
    assert 10**6 - again.answers == len(files(folder)) - kept


async def test_a_partial_folder_of_another_log_is_not_gone_on_with(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, genesis = served
    with pytest.raises(RemoteError):
        await fetch(Served(folder, 1), tmp_path / "case", genesis)
    with pytest.raises(LocalError, match="another log"):
        await fetch(Served(folder), tmp_path / "case", "0" * 64)


async def test_a_log_that_grew_serves_full_tiles_for_partial_ones(tmp_path: Path) -> None:
    log = council()
    log.pad(300)
    small = log.write(tmp_path / "small")
    log.pad(300)
    grown = log.write(tmp_path / "grown")
    # Partial tiles stay until the full one is there: at level 1 it is not.
    shutil.copytree(small / "log/tile/1", grown / "log/tile/1", dirs_exist_ok=True)
    shutil.copy(small / "log" / "checkpoint", grown / "log" / "checkpoint")
    await fetch(Served(grown), tmp_path / "case", log.genesis())
    shutil.rmtree(small / "payloads")
    assert files(tmp_path / "case") == files(small)


async def test_another_charter_document_is_refused(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(served[0], tmp_path / "hub"))
    (path,) = (folder / "charters").iterdir()
    path.write_bytes(b"{}")
    with pytest.raises(RemoteError, match="another charter document"):
        await fetch(Served(folder), tmp_path / "case", served[1])


async def stream(*records: bytes) -> AsyncIterator[bytes]:
    for record in records:
        yield record


def exported() -> tuple[AuditLog, list[bytes]]:
    log = council()
    records = []
    for index, entry in enumerate(log.entries):
        records += [payload_line(index, entry), *entry.evidence]
    return log, records


async def test_payloads_that_are_cut_off_go_on_after_the_last_whole_one(tmp_path: Path) -> None:
    log, records = exported()
    folder = log.write(tmp_path / "case")
    whole = files(folder / "payloads")
    shutil.rmtree(folder / "payloads")
    writer = PayloadWriter(folder / "payloads")
    assert writer.resume() == 0
    with pytest.raises(RemoteError, match="within a payload"):
        await writer.take(stream(*records[:9]), 0, 9)  # Bert's publication without its chunk
    with (folder / "payloads" / "payloads.jsonl").open("ab") as file:
        file.write(b'{"envelope":"torn')
    assert writer.resume() == 7
    await writer.take(stream(*records[8:]), 7, 9)
    assert files(folder / "payloads") == whole
    case = Case(folder)
    assert open_case(case, verify_case(case)).findings == ()


@pytest.mark.parametrize(("start", "end"), [(1, 9), (0, 3)])
async def test_payloads_that_were_not_asked_for_are_refused(
    tmp_path: Path, start: int, end: int
) -> None:
    _, records = exported()
    writer = PayloadWriter(tmp_path)
    writer.resume()
    with pytest.raises(RemoteError, match="not asked for"):
        await writer.take(stream(*records), start, end)


def test_a_folder_that_cannot_be_written_is_our_own_error(tmp_path: Path) -> None:
    (tmp_path / "payloads").write_text("in the way")
    with pytest.raises(LocalError):
        PayloadWriter(tmp_path / "payloads").resume()
