"""An operator gets the core's answer, or an honest word that there is none."""

import asyncio

from komainu.agent.members.requests import NO_ANSWER, Answer, Requests
from komainu.model import commands as c, events as e
from komainu.model.actions import AnswerCommand
from komainu.model.answers import ACCEPTED, NO_GROUP
from tests.doubles.virtual_time import now_ms, run

MOVE = c.MoveGroup("web", None)


def test_each_request_gets_its_own_answer() -> None:
    async def story() -> None:
        proposed: list[e.Event] = []
        requests = Requests("n1", "d", proposed.append)
        asked = [asyncio.ensure_future(requests.ask(MOVE, 1_000)) for _ in range(2)]
        await asyncio.sleep(0)
        assert proposed == [e.CommandGiven("d-1", "n1", MOVE), e.CommandGiven("d-2", "n1", MOVE)]
        refused = NO_GROUP.said(group="web")
        requests.answered(AnswerCommand("d-2", "n1", False, refused))
        requests.answered(AnswerCommand("d-1", "n1", True, ACCEPTED.said()))

        assert await asyncio.gather(*asked) == [Answer(True, ACCEPTED.said()), Answer(False, refused)]

    run(story())


def test_no_answer_is_said_after_the_time_and_a_late_one_harms_nobody() -> None:
    async def story() -> None:
        requests = Requests("n1", "d", lambda event: None)
        answer = await requests.ask(MOVE, 1_000)

        assert answer == Answer(False, NO_ANSWER.said(ms=1_000))
        assert now_ms() == 1_000
        requests.answered(AnswerCommand("d-1", "n1", True, ACCEPTED.said()))

    run(story())


def test_a_repeated_answer_is_of_no_interest() -> None:
    async def story() -> None:
        requests = Requests("n1", "d", lambda event: None)
        asked = asyncio.ensure_future(requests.ask(MOVE, 1_000))
        await asyncio.sleep(0)
        for accepted in (True, False):
            requests.answered(AnswerCommand("d-1", "n1", accepted, ACCEPTED.said()))

        assert (await asked).accepted

    run(story())
