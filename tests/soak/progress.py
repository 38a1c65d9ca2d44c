"""How far `make soak` is, and how long it will take: a line before each test.

Loaded with `-p tests.soak.progress`. The time left is by the tests that are done, and so a guess.
"""

import time

import pytest


class Progress:
    """Counts the tests that ended, and says before each where one stands."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.monotonic()
        self._done = 0
        self._all = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All are known now."""
        self._all, self._began = len(session.items), time.monotonic()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.ensure_newline()
        reporter.write_line(
            f"{said(self._done, self._all, time.monotonic() - self._began)}: {nodeid}"
        )

    def pytest_runtest_logfinish(self) -> None:
        """A test ended."""
        self._done += 1


def said(done: int, total: int, seconds: float) -> str:
    """Where one stands, in words."""
    gone = f"{done + 1} of {total}, {seconds / 60:.0f} min gone"
    if not done:
        return gone
    return f"{gone}, about {seconds / done * (total - done) / 60:.0f} min left"


def pytest_configure(config: pytest.Config) -> None:
    """Begin."""
    config.pluginmanager.register(Progress(config))
