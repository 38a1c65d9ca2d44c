"""Hub and key holder commands out of order or without files: a sentence, never a traceback."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hub.cli.main import app as hub
from keys.holder.cli import app as keys

INIT = ["init", "--name", "Hub", "--origin", "hub.example/log", "--control-domain", "Council"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["invite"],
        ["ceremony", "--holder", "nowhere.json"],
        ["members", "--approve", "ab", "--words", "x"],
        ["members", "--rename", "ab" * 16, "--name", "Other"],
        ["serve"],
    ],
)
def test_a_hub_that_was_not_set_up_says_what_to_run_and_makes_nothing(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = CliRunner().invoke(hub, [*arguments, "--dir", str(tmp_path)])
    assert done.exit_code == 1, done.output
    assert "run patchwork-hub set-up" in done.output
    assert not list(tmp_path.iterdir())


def test_a_hub_that_is_not_founded_does_not_serve(tmp_path: Path) -> None:
    folder = ["--dir", str(tmp_path)]
    assert CliRunner().invoke(hub, [*INIT, *folder]).exit_code == 0
    done = CliRunner().invoke(hub, ["serve", *folder])
    assert (done.exit_code, "run patchwork-hub found" in done.output) == (1, True)
    done = CliRunner().invoke(hub, ["ceremony", "--holder", "nowhere.json", *folder])
    assert (done.exit_code, "nowhere.json" in done.output) == (1, True)
    done = CliRunner().invoke(hub, [*INIT, *folder])
    assert (done.exit_code, "there already" in done.output) == (1, True)


def test_a_bad_setting_is_looked_for_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ["--dir", str(tmp_path)]
    assert CliRunner().invoke(hub, [*INIT, *folder]).exit_code == 0
    (tmp_path / "hub.toml").write_text("port = 8440\n")
    monkeypatch.setenv("PATCHWORK_HUB_PORT", "99999")
    done = CliRunner().invoke(hub, ["serve", *folder])
    assert (done.exit_code, "PATCHWORK_HUB_PORT: " in done.output) == (1, True)
    assert "hub.toml" not in done.output, "the file's port is good, and is not what counts"


FOUND = ["found", "--transcript", "none.json", "--witness", "w;x", "--quorum", "3"]
DESK = ["--duty-desk", "Duty team", "--duty-phone", "01632 960000", "--duty-hours", "Always"]


def test_nobody_founds_a_council_without_saying_whom_to_call(tmp_path: Path) -> None:
    CliRunner().invoke(hub, [*INIT, "--dir", str(tmp_path)])
    done = CliRunner().invoke(hub, [*FOUND, *DESK[:4], "--dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "--duty-desk NAME --duty-phone NUMBER --duty-hours HOURS" in done.output


def test_a_duty_desk_has_a_number_that_somebody_can_call(tmp_path: Path) -> None:
    CliRunner().invoke(hub, [*INIT, "--dir", str(tmp_path)])
    bad = [*DESK[:3], "ask reception", *DESK[4:]]
    done = CliRunner().invoke(hub, [*FOUND, *bad, "--dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "the duty desk's phone: write a telephone number alone" in done.output


def test_on_a_terminal_the_duty_desk_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "hub.cli.founding.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    )
    CliRunner().invoke(hub, [*INIT, "--dir", str(tmp_path)])
    typed = "Emergency duty team\n01632 960000\nAlways\n"
    done = CliRunner().invoke(hub, [*FOUND, "--dir", str(tmp_path)], input=typed)
    for asked in ("Who answers at once", "Its telephone number", "When it answers"):
        assert asked in done.output
    assert "run patchwork-hub ceremony" in done.output, "and it goes on to the ceremony's files"


def test_a_hubs_log_name_must_be_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        hub, ["init", "--name", "Hub", "--origin", "has a space", "--control-domain", "C",
              "--dir", str(tmp_path)],
    )  # fmt: skip
    assert done.exit_code == 1
    assert not (tmp_path / "keys.json").exists(), "no keys are made for a log that cannot be"


def test_a_key_holder_out_of_order_says_what_to_do(tmp_path: Path) -> None:
    folder = ["--dir", str(tmp_path)]
    done = CliRunner().invoke(keys, ["serve", *folder])
    assert (done.exit_code, "run patchwork-keys set-up" in done.output) == (1, True)
    begin = ["init", "--name", "H", "--control-domain", "H", "--url", "https://h.example"]
    assert CliRunner().invoke(keys, [*begin, *folder]).exit_code == 0
    done = CliRunner().invoke(keys, ["serve", *folder])
    assert (done.exit_code, "needs hub_url and genesis" in done.output) == (1, True)
    done = CliRunner().invoke(keys, ["deal", "--terms", str(tmp_path / "terms.json"), *folder])
    assert (done.exit_code, "terms.json" in done.output) == (1, True)
    (tmp_path / "terms.json").write_text("{}")
    done = CliRunner().invoke(keys, ["deal", "--terms", str(tmp_path / "terms.json"), *folder])
    assert (done.exit_code, "is not the council's terms.json" in done.output) == (1, True)


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    from protocol.errors import LocalError
    from transport.routes import make_application
    from transport.server import serve_until_stopped

    del tmp_path
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        app = make_application([], body_limit=1)
        with pytest.raises(LocalError, match=f"port {port}"):
            await serve_until_stopped(app, "127.0.0.1", port, lambda _: None)
