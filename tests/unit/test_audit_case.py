"""Reading a case: whatever is in the folder, it parses or is refused with RemoteError."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.case.case import BUNDLE_LIMIT, Case, parse_genesis, parse_payload, split_bundle
from audit.findings import exit_code
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.log.tiles import ENTRIES, Tile, encode_entry_bundle
from protocol.wire import Invitation, encode_wire, read_invitation
from tests.unit.audit_log import brokered, council, payload_line

LOG = brokered(council())
LINE = payload_line(6, LOG.entries[6])
INVITATION = to_base64(
    encode_wire(Invitation(hub="https://h.example", hub_name="H", genesis="0" * 64, code="1" * 64))
)


def bytes_near(valid: bytes) -> st.SearchStrategy[bytes]:
    """Anything, or `valid` with a slice replaced."""

    def spliced(places: tuple[int, int], middle: bytes) -> bytes:
        low, high = sorted(places)
        return valid[:low] + middle + valid[high:]

    place = st.integers(0, len(valid))
    return st.one_of(
        st.binary(max_size=200),
        st.builds(spliced, st.tuples(place, place), st.binary(max_size=8)),
    )


@settings(max_examples=150)
@given(bytes_near(LINE))
def test_payload_lines(line: bytes) -> None:
    try:
        payload = parse_payload(line)
    except RemoteError:
        assert line != LINE
    else:
        assert (payload.index >= 0, len(payload.salt)) == (True, 32)


@settings(max_examples=100)
@given(
    st.one_of(st.binary(max_size=80), st.text("0123456789abcdef\n", max_size=66).map(str.encode))
)
def test_genesis_files(data: bytes) -> None:
    try:
        assert bytes.fromhex(parse_genesis(data)).hex() == data.decode().removesuffix("\n")
    except RemoteError:
        assert len(data.removesuffix(b"\n")) != 64 or set(data) - set(b"0123456789abcdef")


@settings(max_examples=100)
@given(bytes_near(INVITATION.encode()).map(lambda data: data.decode("latin-1")))
def test_invitations(text: str) -> None:
    try:
        assert read_invitation(text).hub_name
    except RemoteError:
        assert text != INVITATION


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.data())
def test_bundles_keep_every_entry_before_the_damage(
    entries: list[bytes], data: st.DataObject
) -> None:
    whole = encode_entry_bundle(entries)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
    before = sum(
        1 for n in range(len(entries)) if len(encode_entry_bundle(entries[: n + 1])) <= place
    )
    read = split_bundle(damaged, len(entries))
    assert len(read.entries) <= len(entries)
    assert list(read.entries[:before]) == entries[:before]
    assert read.whole is (sum(2 + len(item) for item in read.entries) == len(damaged)) or (
        len(read.entries) < len(entries)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return LOG.write(tmp_path_factory.mktemp("case") / "case")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_to_any_file_goes_unseen_or_crashes(folder: Path, data: st.DataObject) -> None:
    """One byte of one file: never an exception, never clean where every byte is bound.

    Not bound are lines of the checkpoint by keys that nobody knows, and what an export says of a
    public leaf or of evidence that nothing commits to.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    kept = path.read_bytes()
    place = data.draw(st.integers(0, len(kept) - 1))
    changed = bytearray(kept)
    changed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        case = Case(folder)
        verified = verify_case(case)
        findings = (*verified.findings, *open_case(case, verified).findings)
        loose = {0} if path.name in {"checkpoint", "payloads.jsonl"} else set()
        assert exit_code(findings) in {1, 3} | loose, path.name
    except RemoteError:
        assert path.name == "genesis"
    finally:
        path.write_bytes(kept)


def test_the_folder_is_clean_afterwards(folder: Path) -> None:
    case = Case(folder)
    verified = verify_case(case)
    assert (*verified.findings, *open_case(case, verified).findings) == ()


def test_what_is_no_plain_file_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError):
        Case(tmp_path)
    (tmp_path / "genesis").write_text("0" * 64)
    case = Case(tmp_path)
    entries = tmp_path / "log" / "tile" / "entries"
    entries.mkdir(parents=True)
    (entries / "000").mkdir()
    (entries / "001").symlink_to(tmp_path / "genesis")
    os.mkfifo(entries / "002")
    with (entries / "003").open("wb") as file:
        file.truncate(BUNDLE_LIMIT + 1)
    for number in range(3):
        with pytest.raises(RemoteError, match="plain file"):
            case.bundle(Tile(ENTRIES, number))
    with pytest.raises(RemoteError) as refused:
        case.bundle(Tile(ENTRIES, 3))
    assert refused.value.code is ErrorCode.TOO_LARGE
    with pytest.raises(RemoteError) as absent:
        case.evidence(1, 0)
    assert absent.value.code is ErrorCode.NOT_FOUND
    assert list(case.documents) == []
