"""Secret files: for their owner alone, written once, never quoted."""

import stat
from pathlib import Path

import pytest

from protocol.errors import LocalError
from runtime.secrets import read_secrets, write_secrets


def test_secrets_are_written_once_for_their_owner_alone_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_secrets(path, {"sign": b"\x01" * 32})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secrets(path) == {"sign": b"\x01" * 32}
    with pytest.raises(LocalError, match="there already"):
        write_secrets(path, {"sign": b"\x02" * 32})
    assert read_secrets(path) == {"sign": b"\x01" * 32}
    path.chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        read_secrets(path)


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": "topsecretxyz"}', "\x00"])
def test_a_broken_secrets_file_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(LocalError) as caught:
        read_secrets(path)
    assert "topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_that_are_not_there_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="run init first"):
        read_secrets(tmp_path / "keys.json")
