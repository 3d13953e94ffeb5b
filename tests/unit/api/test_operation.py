"""What every row is made of."""

import pytest
from pydantic import ValidationError

from komainu.api.operation import OPERATE, READ, Nothing, OperationRefused, Right
from komainu.model.message import Message


def test_an_argument_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Nothing.model_validate({"group": "web"})


def test_there_are_two_rights() -> None:
    assert tuple(Right) == (READ, OPERATE)


def test_a_refusal_carries_its_words() -> None:
    said = Message("TEST21", "no", "いいえ", "error").said()

    assert OperationRefused(said).said is said
    assert str(OperationRefused(said)) == "no"
