"""The demo and the tests wait for what happens: nobody sleeps and hopes that it has happened."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Here a sleep is only the pause between two looks at something that tells nobody of itself.
LOOKING = {
    "demo/stage.py",
    "tests/contract/test_engine.py",
    "tests/e2e/test_no_process_stays.py",
    "tests/postgres.py",
    "tests/sim/federation.py",
    "tests/sim/oidc_provider.py",
    "tests/sim/test_hub_processes.py",
}
# And here slowness, or the moment at which something is done, is what is tried.
TRYING = {"tests/faults/seams.py", "tests/soak/flood.py", "tests/soak/test_stops.py"}
FILES = sorted(
    str(path.relative_to(ROOT))
    for name in ("demo", "tests")
    for path in (ROOT / name).rglob("*.py")
)


def sleeps(code: str) -> list[int]:
    """The lines that call something named `sleep` of `time` or `asyncio`."""
    if "sleep" not in code:
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
        and node.attr == "sleep"
        and isinstance(node.value, ast.Name)
        and node.value.id in {"time", "asyncio"}
    ]


@pytest.mark.parametrize("path", FILES)
def test_nobody_waits_for_the_clock(path: str) -> None:
    found = sleeps((ROOT / path).read_text(encoding="utf-8"))
    assert bool(found) is (path in LOOKING | TRYING), f"{path}: {found}"


def test_a_sleep_is_seen() -> None:
    assert sleeps("import time\ntime.sleep(3)") == [2]
    assert sleeps("async def f():\n    await asyncio.sleep(0.3)") == [2]
