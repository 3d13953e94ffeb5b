"""The simulator's command: many fresh seeds, or one of them again."""

from komainu_lab.sim import run
from komainu_lab.sim.world import KINDS


def main(seeds: int | None = None, kind: str | None = None, seed: int | None = None) -> int:
    """Run and print; returns the exit code. One seed is replayed in every kind unless `kind` says which."""
    if kind is not None and kind not in KINDS:
        print(f"There is no kind {kind}. The kinds are {', '.join(KINDS)}.")
        return 2
    kinds = KINDS if kind is None else (kind,)
    if seed is not None:
        return max(run.replay(seed, each) for each in kinds)
    return run.many(seeds or 300, kinds)
