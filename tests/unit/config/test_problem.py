"""Paths and values as people read them."""

from komainu.config.problem import named, path_text, shown


def test_a_path_reads_as_an_administrator_would_write_it() -> None:
    assert path_text(("groups", 0, "resources", 1, "params", "eni_id")) == "groups[0].resources[1].params.eni_id"
    assert path_text(()) == ""


def test_an_unusual_key_is_quoted_in_a_path() -> None:
    assert path_text(("cluster", "a b")) == 'cluster."a b"'
    assert path_text(("x" * 200,)).endswith("…")


def test_a_shown_value_is_one_printable_short_line() -> None:
    text = shown({"a": "line\nnext \u202e\u0007", "b": "x" * 100})
    assert text.isprintable()
    assert "\n" not in text
    assert len(text) == 60
    assert shown("狛犬") == '"狛犬"'
    assert shown(None) == "null"


def test_a_shown_name_has_no_quotes() -> None:
    assert named("node1") == "node1"
