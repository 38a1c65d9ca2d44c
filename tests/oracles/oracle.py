"""Runs main.go: golang.org/x/mod, as Debian packages it, compiled once a session."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("main.go")
GOCODE = "/usr/share/gocode"
INSTALL = "apt-get install -y --no-install-recommends golang-go golang-golang-x-mod-dev openssl age"


class Oracle:
    """The compiled program."""

    def __init__(self, folder: Path) -> None:
        # Missing is a failure, never a skip: then nothing that is not ours would have looked.
        assert shutil.which("go"), f"the tests need Go: {INSTALL}"
        assert Path(GOCODE, "src/golang.org/x/mod").is_dir(), f"the tests need x/mod: {INSTALL}"
        self._program = folder / "oracle"
        own = {"GO111MODULE": "off", "GOPATH": f"{folder}:{GOCODE}", "GOFLAGS": ""}
        cache = {"GOCACHE": os.environ.get("GOCACHE", str(folder / "cache"))}
        command = ["go", "build", "-o", str(self._program), str(SOURCE)]
        subprocess.run(command, env={**os.environ, **own, **cache}, check=True)

    def ask(self, *jobs: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers, in order; bytes go in and come out as bytes."""
        text = json.dumps([_encoded(job) for job in jobs])
        done = subprocess.run([self._program], input=text.encode(), capture_output=True, check=True)
        return [_decoded(answer) for answer in json.loads(done.stdout)]

    def accepts(self, **job: Any) -> bool:
        """Whether the library takes it."""
        (answer,) = self.ask(job)
        return bool(answer["error"] == "")


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    return [_encoded(item) for item in value] if isinstance(value, (list, tuple)) else value


def _decoded(answer: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        key: base64.b64decode(answer[key]) for key in ("note", "text", "root") if key in answer
    }
    proof = tuple(base64.b64decode(item) for item in answer.get("proof", ()))
    return {**answer, **made, "proof": proof}
