"""A council's set-ups in one process: each is run again and again, as its people would."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from audit.cli.main import app as audit
from hub.cli.main import app as hub
from keys.holder.cli import app as keys

UNFINISHED = 3
PROGRAMS: Mapping[str, tuple[typer.Typer, tuple[str, ...]]] = {
    "hub": (hub, ("set-up", "--dir", "hub")),
    **{f"h{n}": (keys, ("set-up", "--dir", f"h{n}")) for n in (1, 2)},
    **{f"w{n}": (audit, ("witness", "set-up", f"w{n}")) for n in (1, 2, 3)},
}
ANSWERS: Mapping[str, Mapping[str, str | int | bool]] = {
    "hub": {
        "name": "Wexcombe hub", "control_domain": "Wexcombe Council",
        "url": "http://127.0.0.1:1", "trial": True, "port": 1, "origin": "hub.example/log",
        "duty_desk": "Duty team", "duty_phone": "01632 960100", "duty_hours": "Nights",
        "holders": 2, "threshold": 2, "witnesses": 3, "quorum": 3, "founding_days": 60,
        "cooling_days": 7, "files": "*/to-council.json", "parties_right": True, "agencies": "",
    },
    **{
        f"h{n}": {
            "name": f"Holder {n}", "control_domain": f"Domain {n}",
            "url": f"http://127.0.0.1:1{n}", "trial": True, "port": 10 + n,
            "council_file": "hub/to-all.json", "terms_right": True, "genesis_right": True,
            "serve": False,
        }
        for n in (1, 2)
    },
    **{
        f"w{n}": {
            "name": f"w{n}.example", "control_domain": f"Archive {n}",
            "url": f"http://127.0.0.1:2{n}" if n < 3 else "", "trial": True, "port": 20 + n,
            "council_file": "hub/to-all.json", "log_right": True, "serve": False,
        }
        for n in (1, 2, 3)
    },
}  # fmt: skip


def typed(party: str, said: str = "", *more: str) -> Any:
    """Run a party's set-up in the present folder, and type this; it waits for nobody."""
    app, words = PROGRAMS[party]
    done = CliRunner().invoke(app, [*words, "--no-wait", *more], input=said)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done


def unattended(party: str, **changed: str | int | bool) -> Any:
    """The same with all answers in a file."""
    path = Path(f"{party}.toml")
    values = {**ANSWERS[party], **changed}
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return typed(party, "", "--answers", str(path))


def founded() -> bool:
    """Whether the hub is, and everybody has been told."""
    settings = [Path("h1/holder.toml"), Path("h2/holder.toml")]
    settings += [Path(f"w{n}/witness.toml") for n in (1, 2, 3)]
    return Path("hub/genesis").exists() and all(path.exists() for path in settings)
