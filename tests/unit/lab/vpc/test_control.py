"""The lab's line to the emulated VPC's process."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from komainu_lab.errors import LabError
from komainu_lab.vpc.control import Control, Server

pytestmark = pytest.mark.sockets


class Echo:
    """Operations that say what they were asked."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.ended = threading.Event()

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "fail":
            raise LabError("it failed")
        return [name, arguments]

    def events(self) -> Iterator[dict[str, Any]]:
        try:
            yield {"event": "following"}
            self.go_on.wait(10)
            yield {"event": "last"}
        finally:
            self.ended.set()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def control(tmp_path: Path, echo: Echo) -> Iterator[Control]:
    server = Server(tmp_path / "vpc.sock", echo)
    yield Control(tmp_path / "vpc.sock")
    server.close()
    assert not (tmp_path / "vpc.sock").exists()


def test_an_operation_is_answered(control: Control) -> None:
    assert control.call("look", at=["a", 1]) == ["look", {"at": ["a", 1]}]


def test_a_failure_is_told_in_its_own_words(control: Control) -> None:
    with pytest.raises(LabError, match="it failed"):
        control.call("fail")
    assert control.call("look") == ["look", {}]


def test_events_are_followed_to_the_end(control: Control, echo: Echo) -> None:
    following = control.follow()
    assert next(following) == {"event": "following"}
    echo.go_on.set()
    assert list(following) == [{"event": "last"}]
    assert echo.ended.wait(10)


def test_calls_go_on_while_somebody_follows(control: Control, echo: Echo) -> None:
    following = control.follow()
    next(following)
    assert control.call("look") == ["look", {}]
    echo.go_on.set()
    following.close()
    assert echo.ended.wait(10), "a follower that went away is noticed"


def test_the_socket_is_for_root_alone(control: Control) -> None:
    assert control.path.stat().st_mode & 0o777 == 0o600


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="does not run"):
        Control(tmp_path / "none.sock").call("look")
