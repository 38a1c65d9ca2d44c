"""What a matching round goes by, read once at its start: charter, members, agreements, the time."""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.governance.charter import Charter
from protocol.governance.directory import Directory


@dataclass(frozen=True)
class RoundTerms:
    """Holds for one round. `agreed`: the charter in force and those that agencies signed, where it
    does not bind them yet.
    """

    directory: Directory
    agreed: Callable[..., tuple[Charter, ...]]
    now: int

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.directory.charter
