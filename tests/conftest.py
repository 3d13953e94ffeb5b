"""What holds for every test: the closed door of the unit tests, the lab only as root, nothing left running.

`make test` runs several tests at once (pytest-xdist): the tests of one file one after the other, files beside each
other. The tests of the lab mostly wait, so they come first and the others fill the time between.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.closed_door import DOOR

TESTS = Path(__file__).resolve().parent
# Tests in these folders reach neither processes nor the network unless a marker says so.
CLOSED = tuple(TESTS / name for name in ("unit", "scenarios", "properties"))

FIRST = TESTS / "lab"
"The folder whose tests wait longest."
LEFT = "left running"
LEFT_BY_OTHERS = pytest.StashKey[list[str]]()

# A busy machine is slow now and then, and that is no defect: bounds of time belong to the tests, not to the tool.
settings.register_profile("komainu", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("komainu")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The lab needs root. Without it `make test` leaves these tests out; a plain pytest skips them and says why."""
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: not item.path.is_relative_to(FIRST))
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.skip(reason="the lab needs root: namespaces, addresses, corosync"))


@pytest.fixture(autouse=True)
def closed_door(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close the door for the tests in CLOSED, as far as their markers allow."""
    node = request.node
    if not node.path.is_relative_to(TESTS) or not any(node.path.is_relative_to(folder) for folder in CLOSED):
        yield
        return
    lab = node.get_closest_marker("lab") is not None
    with DOOR.closed(
        processes=not (lab or node.get_closest_marker("processes")),
        sockets=not (lab or node.get_closest_marker("sockets")),
    ):
        yield


def children_of_this_process() -> list[str]:
    """What this process started and did not end, as `pid command line`."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            children = (task / "children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended in between; its children are another one's now
        for pid in children:
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except FileNotFoundError:
                continue  # it ended in between
            found.append(f"{pid} {command.strip() or '(a zombie: ended, never waited for)'}")
    return found


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """One of several processes has ended: what it had left running."""
    node.config.stash.setdefault(LEFT_BY_OTHERS, []).extend(getattr(node, "workeroutput", {}).get(LEFT, ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Everything a test starts, it stops: a run that leaves processes has failed."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[LEFT] = children_of_this_process()
        return
    # Where several processes have run the tests, they are this one's only children.
    shared_out = config.pluginmanager.hasplugin("dsession")
    left = config.stash.get(LEFT_BY_OTHERS, []) if shared_out else children_of_this_process()
    if left:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(f"Processes that the tests left running: {'; '.join(left)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
