"""What travels when a store or a server has no answer."""

from komainu.model.message import Message
from komainu.ports import HttpsError, HttpsFault, LeaseType, StoreSilent

SAID = Message("KM9930", "silent: {why}", "無応答: {why}", "error").said(why="x")


def test_silence_has_its_reason() -> None:
    silent = StoreSilent(SAID, "the detail")
    assert (silent.said, silent.detail, str(silent)) == (SAID, "the detail", "silent: x")
    assert StoreSilent(SAID).detail == ""


def test_an_error_of_https_has_its_kind() -> None:
    error = HttpsError(HttpsFault.NO_TLS, "the text")
    assert (error.fault, error.text, str(error)) == (HttpsFault.NO_TLS, "the text", "the text")


def test_a_type_that_says_nothing_of_it_has_no_advice() -> None:
    title = Message("KM9931", "t", "t")
    made = LeaseType("lease_x", title, title, params=type("P", (), {}), messages=(), make=lambda params, host: None)  # type: ignore[arg-type, return-value]
    assert made.advise({"": object()}) == ()
