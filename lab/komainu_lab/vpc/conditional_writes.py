"""Conditional writes to S3 and DynamoDB are one step there (documented); moto looks first and writes afterwards, and
its server has threads: of two writers under the same condition both could win.
"""

import threading
from collections.abc import Callable
from typing import Any

from moto.dynamodb.responses import DynamoHandler
from moto.s3.responses import S3Response

from komainu_lab.vpc.corrections import Applied


def one_write_at_a_time(applied: Applied) -> None:
    """Nothing is written between the look and the write. One more correction for `corrections.apply`."""
    lock = threading.RLock()
    calls: tuple[tuple[Any, str], ...] = (
        (S3Response, "put_object"),
        *((DynamoHandler, name) for name in ("put_item", "update_item", "delete_item")),
    )
    for owner, name in calls:
        applied.replace(owner, name, _alone(lock, owner.__dict__[name]))


def _alone(lock: threading.RLock, original: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return original(self, *args, **kwargs)

    return call
