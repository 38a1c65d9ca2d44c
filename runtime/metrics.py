"""Numbers for whoever watches a service, as Prometheus reads them: specs/07-transport.md §7.

A service says them when it is asked; in between nothing is kept but counts. No label says who:
labels are names of jobs, routes, hubs, logs and witnesses, which everybody may know. The library is
loaded with the first question, so that no command waits for it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from runtime.environment import Clock
from runtime.logs import LOGGED
from runtime.version import version

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

PREFIX = "patchwork_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Metric:
    """A number, or one for each tuple of labels; `counter`: it only ever grows. Names end in the
    unit (`_seconds`), counters in `_total`.
    """

    name: str
    says: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()
    counter: bool = False


def gauge(name: str, says: str, value: float) -> Metric:
    """One number that goes up and down."""
    return Metric(name, says, {(): value})


@dataclass
class Pulse:
    """When each of a service's jobs last went well, and how often one did not. `of`: the labels
    that come before a job's name.
    """

    clock: Clock
    of: tuple[str, ...] = ()
    well: dict[tuple[str, ...], float] = field(default_factory=dict)
    failures: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def went_well(self, job: str) -> None:
        """A pass of a job was done."""
        self.well[(*self.of, job)] = self.clock()

    def failed(self, job: str) -> None:
        """A pass of a job was not done."""
        self.failures[(*self.of, job)] += 1

    def last(self, job: str) -> float | None:
        """When a job last went well, in Unix seconds."""
        return self.well.get((*self.of, job))


def of_jobs(pulses: Iterable[Pulse], *labels: str) -> list[Metric]:
    """How jobs go, of all these together."""
    well: dict[tuple[str, ...], float] = {}
    failures: dict[tuple[str, ...], float] = {}
    for pulse in pulses:
        well.update(pulse.well)
        failures.update(pulse.failures)
    last, failed = "job_last_success_timestamp_seconds", "job_failures_total"
    return [
        Metric(last, "When a job last went well.", well, labels),
        Metric(failed, "Passes of a job that were not done.", failures, labels, counter=True),
    ]


def exposition(metrics: Iterable[Metric]) -> bytes:
    """The numbers, those of the process and of its log, in the text format."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(cast("Collector", _Once([*_of_the_process(), *metrics])))
    return generate_latest(registry)


class _Once:
    """Numbers that were measured already, as the library wants them handed over."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[object]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for metric in self._metrics:
            kind = CounterMetricFamily if metric.counter else GaugeMetricFamily
            family = kind(PREFIX + metric.name, metric.says, labels=metric.labels)
            for labels, value in metric.values.items():
                family.add_metric(labels, value)
            yield family


def _of_the_process() -> list[Metric]:
    return [
        Metric("build_info", "Which version runs.", {(version(),): 1}, ("version",)),
        Metric("log_lines_total", "Lines that this process has logged, by what they say.",
               dict(LOGGED), ("level", "event"), counter=True),
    ]  # fmt: skip
