"""patchwork-hub policy: parse, call, print. Works on files alone; no hub need run.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hub.cli.folder import out
from hub.policies.check import (
    UNLIKE_TWINS,
    check_keys,
    require_safe_keys,
    twins_never_share_a_middle_name,
)
from hub.policies.draw import pictures
from hub.policies.evaluate import evaluate, pooled
from hub.policies.folder import KnownRecord, iter_folder, read_folder
from hub.policies.packs import DEFAULT, pack, read_policy
from hub.policies.pairing import Candidates, find_candidates
from hub.policies.train import train
from protocol import canonical
from protocol.matchkeys.policy import MatchPolicy
from runtime.cli import report_errors

app = typer.Typer(
    name="policy", help="Fit and measure a match-key policy on records whose truth is known."
)
notes = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)

Data = Annotated[
    Path, typer.Argument(help="A folder: one CSV file an agency, and truth.csv.", file_okay=False)
]
DataSets = Annotated[
    list[Path],
    typer.Argument(help="One such folder or several, taken together.", file_okay=False),
]
Policy = Annotated[
    str, typer.Option("--policy", help="A pack's name (england, victoria, ...) or a policy file.")
]


@app.command("evaluate")
def evaluate_command(
    data: DataSets,
    policy: Policy = DEFAULT,
    point: Annotated[
        str | None, typer.Option("--point", help="guarded or open, in place of the policy's own.")
    ] = None,
    pictures_to: Annotated[
        Path | None, typer.Option("--pictures", help="Write SVG pictures into this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Measure a policy: how many of the same person it finds, and how many it gets wrong."""
    if pictures_to and len(data) > 1:
        raise typer.BadParameter("pictures are of one folder")
    with report_errors():
        chosen = _chosen(policy, point)
        values = [_measured(folder, chosen, pictures_to) for folder in data]
        together = pooled(values)
        if as_json:
            whole = {"folders": values, "pooled": together} if len(values) > 1 else values[0]
            out.print(json.dumps(whole, indent=1))
            return
        for folder, value in zip(data, values, strict=True):
            if len(values) > 1:
                out.print(f"{folder.name}:")
            _say(value)
        for name, links in together.items() if len(values) > 1 else ():
            out.print(
                f"All folders together ({name}): {links['false']} of {links['pairs']:,} linked "
                f"without a person are wrong, precision {links['precision']:.5f}."
            )


def _measured(folder: Path, policy: MatchPolicy, pictures_to: Path | None) -> dict[str, Any]:
    with _candidates(iter_folder(folder), policy) as candidates:
        measured = evaluate(candidates, policy)
        for name, text in pictures(measured).items() if pictures_to else ():
            pictures_to.mkdir(parents=True, exist_ok=True)  # type: ignore[union-attr]
            (pictures_to / name).write_text(text, encoding="utf-8")  # type: ignore[operator]
        return measured.to_json()


@app.command("train")
def train_command(
    data: DataSets,
    policy: Policy = DEFAULT,
    to: Annotated[Path, typer.Option("--out", help="Where to write the policy.")] = Path(
        "policy.json"
    ),
) -> None:
    """Fit the weights and thresholds of a policy's keys; measure it on other data afterwards."""
    with report_errors(), ExitStack() as stack:
        start, folders = _chosen(policy, None), [read_folder(folder) for folder in data]
        for records in folders:
            require_safe_keys(records, start)
        found = [stack.enter_context(_candidates(records, start)) for records in folders]
        fitted = train(found, start)
        fitted = replace(fitted, version=start.version + 1)
        to.write_bytes(canonical.encode(fitted.to_json()) + b"\n")
        out.print(f"Written to {to}. Measure it on data that it has not seen:")
        out.print(f"    patchwork-hub policy evaluate DIR --policy {to}")


@app.command("check")
def check(
    data: Data,
    policy: Policy = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Measure what each key type gives away; exit 1 if one breaks the leakage rules."""
    with report_errors():
        records = read_folder(data)
        checked = check_keys(records, _chosen(policy, None))
        if twins_never_share_a_middle_name(records):
            notes.print(f"WARNING: {UNLIKE_TWINS}")
    if as_json:
        out.print(json.dumps([asdict(key) for key in checked], indent=1))
    for key in () if as_json else checked:
        found = key.leakage
        out.print(
            f"{key.key_id}: {found.people:,} people, at most {found.most_holders} with one value, "
            f"min-entropy {found.min_entropy:.1f} bits, about 2^{found.domain:.0f} values."
        )
        if not found.people:
            out.print("    NOT MEASURED: nobody here has it.")
        for rule in key.broken:
            out.print(f"    BREAKS A RULE: {rule}")
    if any(key.broken for key in checked):
        raise typer.Exit(1)


@app.command("show")
def show(policy: Policy = DEFAULT) -> None:
    """Print a policy as JSON, to be edited and proposed with `charter change`."""
    with report_errors():
        out.print(json.dumps(_chosen(policy, None).to_json(), indent=1))


def _chosen(name: str, point: str | None) -> MatchPolicy:
    policy = read_policy(Path(name)) if name.endswith(".json") else pack(name)
    if point is None:
        return policy
    if point not in ("guarded", "open"):
        raise typer.BadParameter("the operating point is guarded or open")
    return replace(policy, operating_point=point)  # type: ignore[arg-type]


@contextmanager
def _candidates(records: Iterable[KnownRecord], policy: MatchPolicy) -> Iterator[Candidates]:
    """With progress on standard error, so that JSON stays clean."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with ExitStack() as stack:
        with Progress(*columns, console=notes, transient=True) as bar:
            task = bar.add_task("Reading records")

            def say(done: int) -> None:
                bar.update(task, description=f"Comparing {done:,} records")

            candidates = stack.enter_context(find_candidates(records, policy, say))
        yield candidates


def _say(value: dict[str, Any]) -> None:
    automatic, review = value["automatic"], value["review"]
    out.print(f"{value['records']:,} records of {value['people']:,} people, {value['policy']}.")
    out.print(f"{value['tokens_per_client']:.1f} tokens a client.")
    out.print(
        f"Of {value['true_pairs']:,} pairs of one person in two agencies, "
        f"{value['candidate_recall']:.1%} share a token."
    )
    out.print(
        f"Best F1 {value['best_f1']:.4f} (ceiling {value['f1_ceiling']:.4f}); "
        f"recall where 999 of 1,000 are right {value['recall_at_p999']:.3f}."
    )
    out.print(
        f"Linked without a person ({value['operating_point']}): {automatic['recall']:.1%} of true "
        f"pairs, {automatic['false']} of {automatic['pairs']:,} wrong."
    )
    out.print(
        f"Waiting for people: {review['share_of_true_pairs']:.1%} as many pairs as there are true "
        f"ones, {review['share_true']:.1%} of them right."
    )
    for name, case in value["hard_cases"].items():
        out.print(
            f"{name.replace('_', ' ')}: of pairs of two people {case['wrong_automatic']} linked "
            f"without a person, {case['wrong_review']} wait, {case['wrong_apart']} share a token "
            f"and are kept apart; of {case['true_pairs']} pairs of one person "
            f"{case['automatic']} linked, {case['review']} wait, {case['missed']} not found."
        )
