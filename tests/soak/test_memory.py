"""A log ten times as long takes no more memory to verify: all that is kept is the directory."""

import subprocess
import sys
from pathlib import Path

from tests.unit.audit_log import AuditLog, brokered, council

SHORT, LONG = 4_000, 40_000
# What the allocator may hold back, far below what the longer case has more on disk.
SLACK = 8 * 1024 * 1024
PROGRAM = """
import sys
from pathlib import Path
from audit.case.case import Case
from audit.rules.signed import check_signatures
from audit.verify.verify import verify_case
case = Case(Path(sys.argv[1]))
verified = verify_case(case)
signed = check_signatures(case, verified, int(sys.argv[2]))
assert not verified.findings and not signed.findings and signed.signed == verified.size
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(1024 * int(line.split()[1]))
"""


def padded(size: int) -> AuditLog:
    log = brokered(council())
    log.pad(size - len(log.entries))
    return log


def peak(case: Path, jobs: int) -> int:
    """Bytes that the verifying process ever held. A worker does what one process alone does."""
    command = [sys.executable, "-c", PROGRAM, str(case), str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    cases = [padded(size).write(tmp_path / str(size)) for size in (SHORT, LONG)]
    sizes = [sum(path.stat().st_size for path in case.rglob("*")) for case in cases]
    assert sizes[1] - sizes[0] > 3 * SLACK
    for jobs in (1, 2):
        short, long = (peak(case, jobs) for case in cases)
        assert long < short + SLACK
