"""Which version of the programs this is."""


def version() -> str:
    """As the package has it, such as 0.1.0."""
    from importlib.metadata import version as of_package  # late: few ask, and it is slow to load

    return of_package("patchwork-federation")
