"""From a case and a number to a sample and its worksheet (specs/08-audit.md §6)."""

from dataclasses import dataclass

from audit.case.case import Case
from audit.findings import Severity
from audit.report.sampling import Sample, Sampler
from audit.report.worksheet import worksheet_csv, worksheet_html, worksheet_json
from audit.rules.history import Names, lines
from audit.verify.verify import verify_case
from protocol.errors import ErrorCode, RemoteError


@dataclass(frozen=True)
class Worksheet:
    """A sample, and the files that say what to look up."""

    sample: Sample
    files: dict[str, str]


def draw_sample(case: Case, number: bytes, count: int | None) -> Worksheet:
    """The sample of a case. Raises RemoteError if the case is broken or lacks the commitment."""
    verified = verify_case(case)
    if any(item.severity is Severity.BROKEN for item in verified.findings):
        raise RemoteError(ErrorCode.BAD_TREE, "no sample is drawn from a broken log")
    if not case.has_payloads:
        raise RemoteError(ErrorCode.NOT_FOUND, "no messages were fetched: fetch with --dir")
    sampler = Sampler(number, verified.directory)
    for line in lines(case, verified):
        sampler.take(line)
    sample = sampler.sample(count)
    name = Names(verified.directory)
    files = {
        "worksheet.csv": worksheet_csv(sample, name),
        "worksheet.html": worksheet_html(sample, number, name),
        "sample.json": worksheet_json(sample, number),
    }
    return Worksheet(sample, files)
