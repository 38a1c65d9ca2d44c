"""Who sits at the machine, as its operating system names them."""

import getpass


def system_user() -> str:
    """The name of whoever runs this process; "unknown" where the system has none for them."""
    try:
        return getpass.getuser()[:80]
    except (KeyError, OSError):
        return "unknown"
