"""Threads that are bounded, and that hold up nobody's end."""

import subprocess
import sys
import threading
from concurrent.futures import wait

import pytest

from komainu.adapters.aws.pool import Pool


def test_answers_and_exceptions_come_back() -> None:
    pool = Pool("test", 2)
    assert pool.submit(lambda: 41 + 1).result(10) == 42
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(10)
    pool.close()


def test_no_more_than_its_size_runs_at_once() -> None:
    pool = Pool("test", 3)
    gate, lock, running, most = threading.Event(), threading.Lock(), 0, 0
    three = threading.Barrier(4)

    def work(first: bool) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if first:
            three.wait(10)
        gate.wait(10)
        with lock:
            running -= 1

    futures = [pool.submit(lambda first=number < 3: work(first)) for number in range(9)]  # type: ignore[misc]
    three.wait(10)
    gate.set()
    assert not wait(futures, 10).not_done
    assert most == 3
    pool.close()


def test_a_thread_serves_again_and_none_is_started_in_advance() -> None:
    pool = Pool("test-reuse", 5)
    for _ in range(20):
        pool.submit(lambda: None).result(10)
        # The future is answered before the thread counts as idle, so a second one may have been started.
        assert sum(thread.name.startswith("test-reuse") for thread in threading.enumerate()) <= 2
    pool.close()


def test_what_is_cancelled_in_time_never_runs() -> None:
    pool = Pool("test", 1)
    gate = threading.Event()
    ran: list[str] = []
    first = pool.submit(lambda: gate.wait(10))
    second = pool.submit(lambda: ran.append("second"))
    assert second.cancel()
    gate.set()
    assert first.result(10)
    pool.submit(lambda: ran.append("third")).result(10)
    assert ran == ["third"]
    pool.close()


def test_a_closed_pool_takes_nothing_and_its_threads_end() -> None:
    pool = Pool("test-close", 2)
    pool.submit(lambda: None).result(10)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("test-close")]
    pool.close()
    pool.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(lambda: None)


@pytest.mark.processes
def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    program = (
        "import threading\n"
        "from komainu.adapters.aws.pool import Pool\n"
        "begun = threading.Event()\n"
        "Pool('test', 1).submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait(10)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 0
