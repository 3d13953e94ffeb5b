"""`komainu witness`: its arguments, and what becomes of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from komainu.adapters.corosync.conf import new_authkey
from komainu.adapters.files.authkey import AuthKey
from komainu.adapters.files.configuration import ConfigurationStore
from komainu.adapters.files.kept import Committing
from komainu.adapters.files.token import TokenTrouble
from komainu.adapters.net.witness import LISTENS
from komainu.api.offline import Offline
from komainu.cli import witness
from komainu.cli.witness import address
from komainu.model import message
from komainu.model.witness import WitnessSettings
from tests.doubles.served import Said, komainu

Serve = Callable[[WitnessSettings, Callable[[message.Said], None]], None]
WORDS = ("--state", "s.json", "--cert", "/c.pem", "--key", "/k.pem", "--token-file", "/t")


def run(folder: Path, *words: str, serve: Serve) -> Said:
    store = Committing(ConfigurationStore(folder / "var"))
    offline = Offline({}, store, AuthKey(folder / "authkey"), new_authkey, witness=serve)
    return komainu("witness", *words, socket=folder / "nobody", offline=lambda: offline)


def test_the_settings_reach_the_server_and_its_words_the_journal(tmp_path: Path) -> None:
    given: list[WitnessSettings] = []

    def serve(settings: WitnessSettings, report: Callable[[message.Said], None]) -> None:
        given.append(settings)
        report(LISTENS.said(address="192.0.2.10:7641", file="s.json"))

    told = run(tmp_path, "--listen", "192.0.2.10:7641", *WORDS, serve=serve)
    assert told.code == 0
    assert told.err.startswith(f"{LISTENS.code} ")
    (settings,) = given
    assert settings == WitnessSettings("192.0.2.10", 7641, str(Path("s.json").absolute()), "/c.pem", "/k.pem", "/t")


def test_why_it_cannot_start_is_said(tmp_path: Path) -> None:
    def serve(settings: WitnessSettings, report: object) -> None:
        raise TokenTrouble(LISTENS.said(address="a", file="b"))

    told = run(tmp_path, "--listen", "192.0.2.10:7641", *WORDS, serve=serve)
    assert told.code == 1
    assert told.err.strip() == LISTENS.said(address="a", file="b").en


def never(settings: WitnessSettings, report: object) -> None:
    raise AssertionError("nothing is to be served")


def test_nothing_may_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--listen", "192.0.2.10:7641", *WORDS[2:], serve=never).code == 2


def test_what_is_no_address_is_said(tmp_path: Path) -> None:
    told = run(tmp_path, "--listen", "7641", *WORDS, serve=never)
    assert told.code == 2
    assert told.err.strip() == witness.NO_ADDRESS.said(value="7641").en


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.10:7641", ("192.0.2.10", 7641)),
        ("witness.example:1", ("witness.example", 1)),
        ("[2001:db8::10]:7641", ("2001:db8::10", 7641)),
        ("0.0.0.0:65535", ("0.0.0.0", 65_535)),
        *((wrong, None) for wrong in ("", ":7641", "host", "host:", "host:x", "host:65536", "host:-1", "host:１")),
        *((wrong, None) for wrong in ("2001:db8::10:7641", "[]:1")),
    ],
)
def test_addresses(text: str, meant: tuple[str, int] | None) -> None:
    assert address(text) == meant


def test_the_unit_of_the_service_starts_a_witness(tmp_path: Path) -> None:
    unit = (Path(__file__).parents[3] / "packaging" / "komainu-witness.service").read_text().replace("\\\n", " ")
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program, command, *words = line.removeprefix("ExecStart=").split()
    assert (program, command) == ("/usr/bin/komainu", "witness")
    (listen,) = [line for line in unit.splitlines() if line.startswith("Environment=LISTEN=")]
    given: list[WitnessSettings] = []
    known = {"${LISTEN}": listen.removeprefix("Environment=LISTEN=")}
    words = [known.get(word, word).replace("${STATE_DIRECTORY}", "/var/lib/komainu-witness") for word in words]
    told = run(tmp_path, *words, serve=lambda settings, report: given.append(settings))
    assert (told.code, told.err) == (0, "")
    assert given == [
        WitnessSettings(
            *("0.0.0.0", 7641, "/var/lib/komainu-witness/witness.json"),
            *("/etc/komainu/witness.pem", "/etc/komainu/witness.key", "/etc/komainu/witness.token"),
        )
    ]
