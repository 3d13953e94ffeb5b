"""The kinds of arbitration by the names that simulation and tests give them."""

from komainu.model.config import Arbitration, Fence, Lease

RIGHT_MS = 3_500
WAIT_MS = 4_100


def arbitration(name: str) -> Arbitration:
    """`none`, `operator`, `lease`, `majority`, and with `+fence` the last three; `fence` is `operator+fence`.

    The times are those of a cluster that detects within 450 ms.
    """
    kind, _, fenced = "operator+fence".partition("+") if name == "fence" else name.partition("+")
    limited = kind in ("lease", "majority")
    return Arbitration.model_validate(
        {
            "kind": kind,
            "lease": Lease(type="lease_test", params={}) if kind == "lease" else None,
            "fence": Fence(type="fence_test", params={}, retry_ms=1_000) if fenced else None,
            "right_ms": RIGHT_MS if limited else 0,
            "wait_ms": WAIT_MS if limited else 0,
        }
    )
