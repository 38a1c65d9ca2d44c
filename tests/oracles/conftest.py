"""The programs that are not ours."""

import pytest

from tests.oracles.oracle import Oracle


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """golang.org/x/mod, compiled once."""
    return Oracle(tmp_path_factory.mktemp("oracle"))
