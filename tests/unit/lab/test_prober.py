"""What counts as a good answer. The loop itself runs in tests/lab/test_machines.py."""

import pytest

from komainu_lab.prober import who

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (HEAD + b"node1\n", "node1"),
        (HEAD + b"nod", ""),
        (HEAD, ""),
        (b"HTTP/1.1 200 OK\r\nContent", ""),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\nnode1\n", ""),
        (b"", ""),
    ],
)
def test_only_a_complete_good_answer_has_a_name(answer: bytes, name: str) -> None:
    assert who(answer) == name
