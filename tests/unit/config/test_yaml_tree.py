"""Places in the tree."""

from komainu.config.yaml_text import parse

TEXT = b"""\
a:
  b: [x, *y]
  c: 1
"""
DOCUMENT = parse(TEXT)


def test_a_value_is_found_where_it_starts() -> None:
    assert DOCUMENT.find(("a", "c")) == (3, 6)
    assert DOCUMENT.find(("a", "b", 1)) == (2, 10)


def test_a_key_is_found_where_it_starts() -> None:
    assert DOCUMENT.find(("a", "c"), at_key=True) == (3, 3)


def test_what_is_not_in_the_text_is_found_at_the_nearest_place_around_it() -> None:
    assert DOCUMENT.find(("a", "missing", "deeper")) == (2, 3)
    assert DOCUMENT.find(("a", "b", 7), at_key=True) == (2, 6)
    assert DOCUMENT.find(()) == (1, 1)


def test_an_item_of_a_list_keeps_the_place_of_the_list_around_it_for_a_key() -> None:
    assert DOCUMENT.find(("a", "b", 0), at_key=True) == (2, 7)


def test_only_what_was_refused_as_such_is_unreadable() -> None:
    assert DOCUMENT.unreadable(("a", "b", 1))
    assert DOCUMENT.unreadable(("a", "b", 1, "inside"))
    assert not DOCUMENT.unreadable(("a", "b", 0))
    assert not DOCUMENT.unreadable(("a", "missing"))
    assert not DOCUMENT.unreadable(())


def test_the_plain_values_are_those_of_json() -> None:
    assert DOCUMENT.plain() == {"a": {"b": ["x", None], "c": 1}}
    assert parse(b"").plain() is None
