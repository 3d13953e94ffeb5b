"""The journal of this node as it is asked for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from komainu.api.client import Client
from tests.doubles.served import Served, serve

pytestmark = pytest.mark.sockets


def test_events_are_followed_without_gaps_or_repeats(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async def follow() -> Any:
            def asked(client: Client) -> list[int]:
                seqs = []
                for entry in client.follow("events", 20, last=1000, follow=True):
                    seqs.append(entry["seq"])
                    if any(
                        change["now"] == "Online" and change["node"] == "n2"
                        for change in entry["changes"]
                        if change["what"] == "group"
                    ):
                        return seqs
                return seqs

            return await served.ask(asked)

        following = asyncio.create_task(follow())
        await served.until(lambda: bool(served.server._clients), "followed")
        await served.ask(lambda client: client.ask("group.move", group="web"))
        seqs = await following
        assert seqs == list(range(1, len(seqs) + 1))

    serve(tmp_path, story)


def test_explain_has_the_statement_and_the_causes(tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        answer: Any = await served.ask(lambda client: client.ask("explain", last=1))
        (action,) = answer["actions"]
        assert (action["action"], action["node"], action["result"]) == ("StartResource", "n1", "succeeded")
        assert len(action["because"]) >= 2
        assert answer["statement"][0]["code"] == "KM5421"

    serve(tmp_path, story)
