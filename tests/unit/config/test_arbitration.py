"""The times of a right follow from the time of detection, and every key is explained."""

import pytest
from pydantic import BaseModel

from komainu.config import arbitration as section
from komainu.config.arbitration import needed_right_ms, shortest_right_ms, shortest_wait_ms
from komainu.model import config as model
from komainu.model.config import Arbitration, ArbitrationKind
from komainu.model.times import least_wait_ms

DETECTIONS = (200, 450, 1_000, 1_500, 2_345, 5_000, 17_001, 120_000)
PAIRS = [
    (section.ArbitrationSection, model.Arbitration),
    (section.LeaseSection, model.Lease),
    (section.FenceSection, model.Fence),
]


def limited(kind: ArbitrationKind, **times: int) -> Arbitration:
    return Arbitration.model_validate({"kind": kind, **times})


def fits(arbitration: Arbitration, right_ms: int, detect_within_ms: int) -> bool:
    asked = arbitration.model_copy(update={"right_ms": right_ms})
    return needed_right_ms(asked, detect_within_ms) <= right_ms


@pytest.mark.parametrize("kind", ["lease", "majority"])
@pytest.mark.parametrize("detect_within_ms", DETECTIONS)
@pytest.mark.parametrize("store_timeout_ms", [1, 500, 3_000])
def test_the_right_is_the_shortest_that_is_long_enough(
    kind: ArbitrationKind, detect_within_ms: int, store_timeout_ms: int
) -> None:
    arbitration = limited(kind, store_timeout_ms=store_timeout_ms)
    right_ms = shortest_right_ms(arbitration, detect_within_ms)
    assert fits(arbitration, right_ms, detect_within_ms)
    assert right_ms % section.STEP_MS == 0
    least = max(section.SHORTEST_MS, section.STORE_SHARE * store_timeout_ms if kind == "lease" else 0)
    shorter = right_ms - section.STEP_MS
    assert shorter < least or not fits(arbitration, shorter, detect_within_ms)


@pytest.mark.parametrize("right_ms", [1_000, 2_500, 3_500, 5_000, 10_000, 182_500])
def test_the_wait_is_the_shortest_that_is_long_enough(right_ms: int) -> None:
    wait_ms = shortest_wait_ms(right_ms)
    # A right of a clock that is slow by 1 %, half a second late, against a wait of a clock that is fast by 1 %.
    assert wait_ms * 99 >= right_ms * 101 + 500 * 100
    assert wait_ms % section.STEP_MS == 0
    assert wait_ms - section.STEP_MS < least_wait_ms(right_ms)


def test_the_times_of_the_documents() -> None:
    known = {
        ("lease", 450): (5_000, 6_000),
        ("lease", 1_500): (5_000, 6_000),
        ("lease", 5_000): (10_000, 11_000),
        ("majority", 450): (2_000, 3_000),
        ("majority", 1_500): (3_500, 4_500),
        ("majority", 5_000): (10_500, 11_500),
    }
    for (kind, detect_within_ms), times in known.items():
        right_ms = shortest_right_ms(limited(kind), detect_within_ms)  # type: ignore[arg-type]
        assert (right_ms, shortest_wait_ms(right_ms)) == times


@pytest.mark.parametrize(("written", "noun"), PAIRS)
def test_every_key_of_the_file_is_one_of_the_model_with_its_default(
    written: type[BaseModel], noun: type[BaseModel]
) -> None:
    assert set(written.model_fields) == set(noun.model_fields)
    for key, field in written.model_fields.items():
        wanted = noun.model_fields[key]
        if field.default_factory is None and not wanted.is_required():
            assert field.default == wanted.default, key


@pytest.mark.parametrize("written", [pair[0] for pair in PAIRS], ids=lambda each: each.__name__)
def test_every_key_is_explained_in_both_languages(written: type[BaseModel]) -> None:
    for key, field in written.model_json_schema()["properties"].items():
        assert field.get("description"), key
        assert field.get("description_ja"), key
