"""The log's folder: what Go would have written, in any batches, and again after any crash."""

import base64
import hashlib
import json
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from hub.log.tile_store import TileStore
from protocol.errors import ErrorCode, LocalError
from protocol.log import merkle

VECTORS = Path(__file__).parents[2] / "specs" / "vectors" / "c2sp-log.json"
GO = json.loads(VECTORS.read_text())


def records(low: int, high: int) -> list[bytes]:
    return [b"record %d" % index for index in range(low, high)]


def filled(folder: Path, *sizes: int) -> TileStore:
    """A store that grew to each of these sizes in turn."""
    store, before = TileStore(folder), 0
    for size in sizes:
        before = store.append(before, records(before, size))
    return store


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(code: ErrorCode) -> "pytest.RaisesExc[LocalError]":
    return pytest.raises(LocalError, check=lambda error: error.code is code)


@pytest.mark.parametrize("tree", GO["trees"], ids=lambda tree: f"size {tree['size']}")
def test_roots_and_proofs_are_gos(tmp_path: Path, tree: dict[str, Any]) -> None:
    store = filled(tmp_path, tree["size"])
    assert store.root(tree["size"]) == base64.b64decode(tree["root_b64"])
    for index, lines in tree.get("inclusion", {}).items():
        proof = store.inclusion_proof(int(index), tree["size"])
        assert [base64.b64encode(item).decode() for item in proof] == lines
    for old, lines in tree.get("consistency_from", {}).items():
        proof = store.consistency_proof(int(old), tree["size"])
        assert [base64.b64encode(item).decode() for item in proof] == lines


def test_a_tree_of_70000_has_gos_tiles(tmp_path: Path) -> None:
    store = filled(tmp_path, 70_000)
    assert sorted(path.name for path in (tmp_path / "tile/2").iterdir()) == ["000.p"]
    tile = (tmp_path / "tile/1/001.p/17").read_bytes()
    assert hashlib.sha256(tile).hexdigest() == GO["tile_70000_L1_N1_W17_sha256"]
    digest = hashlib.sha256(b"\x00record 66000").digest()
    proof = store.inclusion_proof(66_000, 70_000)
    merkle.verify_inclusion(digest, 66_000, 70_000, proof, store.root(70_000))


def test_the_folder_holds_exactly_what_the_layout_names(tmp_path: Path) -> None:
    filled(tmp_path, 257)
    assert list(files(tmp_path)) == [
        "tile/0/000",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/1",
    ]
    assert files(tmp_path)["tile/entries/001.p/1"] == b"\x00\x0arecord 256"
    assert files(tmp_path)["tile/0/001.p/1"] == hashlib.sha256(b"\x00record 256").digest()


def test_how_the_batches_fell_does_not_show_in_the_full_tiles(tmp_path: Path) -> None:
    at_once = filled(tmp_path / "a", 700)
    in_steps = filled(tmp_path / "b", 1, 2, 255, 256, 257, 511, 513, 700)
    assert in_steps.root(700) == at_once.root(700)
    once, steps = files(tmp_path / "a"), files(tmp_path / "b")
    assert {path: steps[path] for path in once} == once


def test_every_size_that_was_ever_signed_keeps_its_tiles(tmp_path: Path) -> None:
    store = filled(tmp_path, 3, 300)
    assert (tmp_path / "tile/0/000.p/3").stat().st_size == 96
    assert store.root(3) == base64.b64decode(GO["trees"][3]["root_b64"])


def test_partial_tiles_go_when_the_next_full_one_is_there_and_nothing_is_missed(
    tmp_path: Path,
) -> None:
    """A checkpoint every seven entries: the files left over do not grow with the log."""
    store, roots = TileStore(tmp_path), {}
    for size in range(7, 2101, 7):
        store.append(size - 7, records(size - 7, size))
        roots[size] = store.root(size)
        store.tidy()
    assert store.read_checkpoint() is None
    partial = {path.parent.name for path in tmp_path.rglob("*.p/*")}
    assert {path.name for path in (tmp_path / "tile/entries").glob("*.p")} == {"007.p", "008.p"}
    assert partial == {"000.p", "007.p", "008.p"}, "of level 1 the first tile is not full yet"
    assert len(list((tmp_path / "tile/0").glob("[0-9][0-9][0-9]"))) == 2100 // 256
    for size, expected in roots.items():
        assert TileStore(tmp_path).root(size) == expected
        proof = store.consistency_proof(size, 2100)
        merkle.verify_consistency(size, 2100, proof, expected, roots[2100])


def test_entries_are_read_back(tmp_path: Path) -> None:
    store = filled(tmp_path, 258)
    assert store.read_entries(0) == tuple(records(0, 256))
    assert store.read_entries(1, 2) == (b"record 256", b"record 257")
    assert store.read_entries(1, 1) == (b"record 256",)
    with refused(ErrorCode.NOT_FOUND):
        store.read_entries(1, 3)


def test_the_same_batch_again_after_a_crash_changes_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path, 250, 600)
    before = files(tmp_path)
    assert store.append(250, records(250, 600)) == 600
    assert files(tmp_path) == before


@pytest.mark.parametrize("written", range(8))
def test_power_fails_between_any_two_files_and_the_batch_is_repeated(
    tmp_path: Path, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path / "log", 250)
    replace, left = Path.replace, [written]

    def failing(self: Path, target: Path) -> Path:
        if not left[0]:
            raise OSError("power")
        left[0] -= 1
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    # Entries 000, 001, 002.p/88, the same at level 0, and 000.p/2 above them: seven files.
    with pytest.raises(OSError, match="power") if written < 7 else nullcontext():
        store.append(250, records(250, 600))
    monkeypatch.undo()

    again = TileStore(tmp_path / "log")
    assert again.root(250) == filled(tmp_path / "peer", 250).root(250)
    assert again.append(250, records(250, 601)) == 601  # one more came in meanwhile
    assert again.root(601) == filled(tmp_path / "other", 601).root(601)


def test_history_cannot_be_rewritten_by_mistake(tmp_path: Path) -> None:
    store = filled(tmp_path, 256)
    before = files(tmp_path)
    with refused(ErrorCode.CONFLICT):
        store.append(0, [b"another record 0", *records(1, 256)])
    assert files(tmp_path) == before


@pytest.mark.parametrize("size_before", [1, 255, 257, 256 * 256])
def test_a_gap_is_refused_before_anything_is_written(tmp_path: Path, size_before: int) -> None:
    store = TileStore(tmp_path)
    with refused(ErrorCode.NOT_FOUND):
        store.append(size_before, [b"entry"])
    assert files(tmp_path) == {}


def test_an_entry_that_is_too_large_stops_the_whole_batch(tmp_path: Path) -> None:
    with refused(ErrorCode.TOO_LARGE):
        TileStore(tmp_path).append(0, [b"fits", bytes(65_536)])
    assert files(tmp_path) == {}


def test_an_empty_batch_is_no_work(tmp_path: Path) -> None:
    assert TileStore(tmp_path).append(0, []) == 0
    assert TileStore(tmp_path).root(0) == hashlib.sha256(b"").digest()
    assert files(tmp_path) == {}


def test_a_damaged_tile_is_our_own_fault_and_is_named(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    (tmp_path / "tile/0/000.p/3").write_bytes(b"short")
    with refused(ErrorCode.STORAGE):
        TileStore(tmp_path).root(3)


def test_a_fetched_folder_with_full_tiles_only_still_answers(tmp_path: Path) -> None:
    filled(tmp_path, 5, 256)
    shutil.rmtree(tmp_path / "tile/0/000.p")
    shutil.rmtree(tmp_path / "tile/entries/000.p")
    store = TileStore(tmp_path)
    assert store.root(5) == merkle.root([merkle.leaf_hash(entry) for entry in records(0, 5)])
    assert store.read_entries(0, 5) == tuple(records(0, 5))


def test_a_batch_is_repeated_where_only_the_full_tiles_are_left(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, 256)
    shutil.rmtree(tmp_path / "tile/0/000.p")
    shutil.rmtree(tmp_path / "tile/entries/000.p")
    before = files(tmp_path)
    assert store.append(5, records(5, 256)) == 256
    assert files(tmp_path) == before


def test_the_checkpoint_is_replaced_as_a_whole(tmp_path: Path) -> None:
    store = TileStore(tmp_path / "new" / "log")
    assert store.read_checkpoint() is store.known_checkpoint() is None
    store.write_checkpoint(b"first, and rather longer\n")
    store.write_checkpoint(b"second\n")
    assert store.read_checkpoint() == store.known_checkpoint() == b"second\n"
    started = TileStore(tmp_path / "new" / "log")
    assert (started.known_checkpoint(), started.read_checkpoint()) == (None, b"second\n")
    assert list(files(tmp_path / "new" / "log")) == ["checkpoint"]


def test_files_and_their_folders_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[str] = set()
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    filled(tmp_path / "log", 2)
    log = tmp_path / "log"
    folders = {log, log / "tile", log / "tile/0", log / "tile/0/000.p", log / "tile/entries/000.p"}
    assert {str(folder) for folder in folders} <= synced
    assert str(tmp_path) in synced  # the folder itself was new
    assert {Path(name).parent.name for name in synced} >= {".new"}, "each file before its name"
