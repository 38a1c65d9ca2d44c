"""Which processes run, told by the folder they run in."""

from pathlib import Path


def running_in(folder: Path) -> list[int]:
    """The ids of the processes whose working directory is this folder or inside it."""
    seen, found = 0, []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            where = link.resolve(strict=True)
        except OSError:  # a process of somebody else, or gone by now
            continue
        seen += 1
        if where.is_relative_to(folder.resolve()):
            found.append(int(link.parent.name))
    assert seen, "this reads /proc"
    return found
