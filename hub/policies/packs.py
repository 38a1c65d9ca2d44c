"""Policies that ship as a starting point, one JSON file each in `shipped/`."""

from pathlib import Path

from protocol import canonical
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.policy import MatchPolicy, parse_policy
from protocol.matchkeys.recipes import RECIPES, WITHDRAWN, Reads

FOLDER = Path(__file__).with_name("shipped")
DEFAULT = "england"
FILE_LIMIT = 256 * 1024
_WHY = (
    "a number alone is somebody else's too often, and names that siblings share are no evidence; "
    "take the keys of a pack that ships (policy show)"
)


def pack(name: str) -> MatchPolicy:
    """The pack of that name. Raises LocalError(NOT_FOUND) naming those that exist."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    if name not in names:
        raise LocalError(ErrorCode.NOT_FOUND, f"no such pack; there are {', '.join(names)}")
    return read_policy(FOLDER / f"{name}.json")


def read_policy(path: Path) -> MatchPolicy:
    """A policy file. Raises LocalError(BAD_FILE) if it is not there, RemoteError if it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} cannot be read") from error
    policy = parse_policy(canonical.parse_loose(data, limit=FILE_LIMIT))
    check_policy(policy)
    return policy


def check_policy(policy: MatchPolicy) -> None:
    """Refuse keys that this program does not know or that say the wrong thing of places.

    Raises LocalError(NOT_ALLOWED): the guard and what a later agency is told rest on `place`.
    """
    for key_id, key in policy.keys.items():
        if key_id in WITHDRAWN:
            raise LocalError(ErrorCode.NOT_ALLOWED, f"match key {key_id} is withdrawn: {_WHY}")
        recipe = RECIPES.get(key_id)
        if recipe is None:
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                f"match key {key_id} is unknown to this program: nobody could publish; upgrade",
            )
        if key.place != (Reads.PLACE in recipe.reads):
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                f"match key {key_id}: place must be {str(not key.place).lower()}, "
                "by what it is made from",
            )
        if (key_id in policy.identifier) != (Reads.IDENTIFIER in recipe.reads):
            raise LocalError(
                ErrorCode.NOT_ALLOWED,
                f"match key {key_id}: identifier must name exactly the keys made with one",
            )
