"""The one table of operations: name, request, answer, right. Command line, pages and documents are made from it.

Each object has its rows in a file of its own, as a tuple `ROWS`.
"""

from komainu.api import (
    alerts,
    change,
    fence,
    foresight,
    groups,
    lease,
    monitors,
    nodes,
    overview,
    past,
    residence,
    settling,
    versions,
)
from komainu.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *overview.ROWS,
    *nodes.ROWS,
    *residence.ROWS,
    *fence.ROWS,
    *lease.ROWS,
    *groups.ROWS,
    *monitors.ROWS,
    *settling.ROWS,
    *foresight.ROWS,
    *change.ROWS,
    *versions.ROWS,
    *past.ROWS,
    *alerts.ROWS,
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
