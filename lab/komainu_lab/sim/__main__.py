"""The simulator's command: many fresh seeds, or one of them again."""

from pathlib import Path

from komainu_lab.sim import minimise as fewest, run
from komainu_lab.sim.world import KINDS


def main(
    seeds: int | None = None,
    kind: str | None = None,
    seed: int | None = None,
    minimise: Path | None = None,
    first: int | None = None,
) -> int:
    """Run and print; returns the exit code. One seed is replayed in every kind unless `kind` says which.

    `first`: begin with that seed instead of a fresh one.
    `minimise`: instead, look for the fewest misfortunes that make the seed fail, and write transcripts there.
    """
    if kind is not None and kind not in KINDS:
        print(f"There is no kind {kind}. The kinds are {', '.join(KINDS)}.")
        return 2
    kinds = KINDS if kind is None else (kind,)
    if seed is not None and minimise is not None:
        minimise.mkdir(parents=True, exist_ok=True)
        return max(fewest.minimise(seed, each, minimise) for each in kinds)
    if seed is not None:
        return max(run.replay(seed, each) for each in kinds)
    return run.many(seeds or 300, kinds, first)
