"""A refusal that says nothing about what was asked: of the signature's time, or of credentials that have ended.

Nothing was carried out, so the same call is sent once more for each of the two, within its own deadline: a takeover
does not fail because of a key that was replaced a minute ago. Where all is well this costs nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.faults import STALE_CREDENTIALS

T = TypeVar("T")


def send(
    once: Callable[[Any], T],
    ready: Callable[[], tuple[Any, bool]],
    drop: Callable[[Any], None],
    clock: ApiClock,
) -> T:
    """`once(client)`, and again when there is a remedy for its refusal. Raises what `once` and `ready` raise.

    `ready` gives a client, and whether it was made just now; `drop` has the next one made afresh, with credentials
    from where they come from.
    """
    told_the_time = dropped = False
    while True:
        client, fresh = ready()
        try:
            return once(client)
        except ClientError as refused:
            if str(refused.response.get("Error", {}).get("Code", "")) not in STALE_CREDENTIALS:
                raise
            if not told_the_time and clock.learn(refused):
                told_the_time = True
                continue
            drop(client)
            if fresh or dropped:
                raise  # these credentials are as good as there are
            dropped = True
