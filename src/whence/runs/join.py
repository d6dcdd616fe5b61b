"""Runs that differ only in their seed are one experiment: their records joined, its claims judged again on all seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from whence.runs import key as keys
from whence.runs.job import label
from whence.runs.record import Record

SEED, N_SEEDS = "seed", "n_seeds"


@dataclass(frozen=True)
class Joined:
    """The joined record, and what could not be joined, one sentence each."""

    record: Record
    left_out: list[str]


def seeds(parameters: dict[str, Any]) -> range:
    """The seeds that a run covers: seed, ..., seed + n_seeds - 1."""
    first = parameters.get(SEED, 0)
    return range(first, first + parameters.get(N_SEEDS, 1))


def key_of(cells: Sequence[str]) -> str:
    """The key of the joined record of runs with these keys, in the order of their seeds; that of a single run is its own."""
    return keys.digest(list(cells))[:16] if len(cells) > 1 else cells[0]


def join(records: Sequence[Record], profile: str) -> Joined:
    """One record of runs of the same notebook, in the order of their seeds, as one run of all these seeds would have made it.

    Its verdicts come from the values of all seeds, by the same tests. A claim that not every run reports, or not with one value a
    seed, is left out, as is a table whose columns differ. A single run is given back as it is.
    Raises ValueError when a claim that is marked deterministic differs between runs.
    """
    runs = sorted(records, key=lambda record: seeds(record.parameters).start)
    if len(runs) == 1:
        return Joined(runs[0], [])
    claims, unjoined = _claims(runs)
    numbers, unlike = _numbers(runs)
    last = max(runs, key=lambda record: record.finished)
    parameters = _parameters(runs)
    made = replace(
        last,
        parameters=parameters,
        profile=_profile(runs, profile, parameters),
        key=key_of([record.key for record in runs]),
        clean=all(record.clean and record.commit == last.commit for record in runs),
        versions={name: _all(record.versions.get(name, "missing") for record in runs) for name in last.versions},
        device=_all(record.device for record in runs),
        threads=max(record.threads for record in runs),
        wall_s=round(sum(record.wall_s for record in runs), 2),
        peak_mib=max(record.peak_mib for record in runs),
        claims=claims,
        parts=runs[0].parts | {"parameters": keys.digest(parameters)},
        numbers=numbers,
        joined=[_cell(record) for record in runs],
    )
    return Joined(made, unjoined + unlike)


def _parameters(runs: Sequence[Record]) -> dict[str, Any]:
    """Those of one run with all the seeds."""
    found = dict(runs[0].parameters)
    if N_SEEDS in found:
        found[N_SEEDS] = sum(len(seeds(record.parameters)) for record in runs)
    return found


def _profile(runs: Sequence[Record], profile: str, parameters: dict[str, Any]) -> str:
    """As a run's label; seeds that are not simply counted up from the first are listed."""
    words = label(runs[0].notebook, profile, {n: v for n, v in parameters.items() if n != SEED or N_SEEDS in parameters})
    covered = [s for record in runs for s in seeds(record.parameters)]
    counted = covered == list(range(covered[0], covered[0] + len(covered)))
    if counted and N_SEEDS in parameters:
        return words
    firsts = [record.parameters[SEED] for record in runs]
    span = f"{firsts[0]}..{firsts[-1]}" if counted else ",".join(map(str, firsts))
    return f"{words.replace(f' -p {SEED}={firsts[0]}', '')} -p {SEED}={span}"


def _cell(record: Record) -> dict[str, Any]:
    covered = seeds(record.parameters)
    return {"key": record.key, SEED: covered.start, N_SEEDS: len(covered), "commit": record.commit}


def _claims(runs: Sequence[Record]) -> tuple[list[dict[str, Any]], list[str]]:
    from whence.claims.ledger import judge, ledger

    claims, left_out = ledger(), []
    told = [{claim["id"]: claim for claim in record.claims} for record in runs]
    joined = []
    for name in dict.fromkeys(name for claims_of_one in told for name in claims_of_one):
        if missing := [_named(run) for run, claims_of_one in zip(runs, told, strict=True) if name not in claims_of_one]:
            left_out.append(f"{name}: not reported by {', '.join(missing)}, so it is left out")
            continue
        values = [claims_of_one[name]["values"] for claims_of_one in told]
        if claims[name].deterministic:
            values = [_agreed(name, runs, [v[0] for v in values])]
        elif odd := [_named(r) for r, v in zip(runs, values, strict=True) if len(v) != len(seeds(r.parameters))]:
            left_out.append(f"{name}: not one value a seed in {', '.join(odd)}, so it is left out")
            continue
        every = [number for v in values for number in v]
        joined.append({**asdict(judge(name, every)), "values": every})
    return joined, left_out


def _agreed(name: str, runs: Sequence[Record], values: Sequence[float]) -> list[float]:
    for record, value in zip(runs, values, strict=True):
        if not math.isclose(value, values[0], rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(
                f"{name} is marked deterministic, but is {values[0]!r} with {_named(runs[0])} and {value!r} with {_named(record)}: "
                "it depends on the seed, so take the mark out of claims.toml and report one value a seed"
            )
    return [values[0]]


def _numbers(runs: Sequence[Record]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    from whence.claims.numbers import join as join_tables

    found, left_out = {}, []
    for name in dict.fromkeys(name for record in runs for name in record.numbers):
        if missing := [_named(record) for record in runs if name not in record.numbers]:
            left_out.append(f"table {name}: not kept by {', '.join(missing)}, so it is left out")
            continue
        try:
            found[name] = join_tables([(seeds(record.parameters).start, record.numbers[name]) for record in runs])
        except ValueError as error:
            left_out.append(f"table {name}: {error} in runs of the same sweep, so it is left out")
    return found, left_out


def _named(record: Record) -> str:
    return f"{SEED} {seeds(record.parameters).start}"


def _all(texts: Any) -> str:
    return ", ".join(sorted(set(texts)))
