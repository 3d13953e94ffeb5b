"""The tour names functions that exist, in the files it says."""

from pathlib import Path

from tests.tidy import tour_laws, tree

TOUR = Path("docs/tour.md")


def test_the_tour_is_true() -> None:
    broken = list(tour_laws.missing(tree.read(TOUR), tree.read))
    assert not broken, "\n".join(broken)


def test_the_tour_has_rows() -> None:
    assert sum(len(names) for _, _, names in tour_laws.rows(tree.read(TOUR))) > 40


def test_a_function_that_is_not_there_is_found() -> None:
    text = "| File | Function | What |\n| --- | --- | --- |\n| [a.py](../src/a.py) | `go`, `gone` | goes |\n"
    files = {Path("src/a.py"): "class A:\n    async def go(self) -> None: ...\n"}
    assert list(tour_laws.missing(text, files.__getitem__)) == ["docs/tour.md:3: src/a.py has no function gone"]
