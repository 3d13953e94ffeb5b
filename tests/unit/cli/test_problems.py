"""What is wrong with a file is said as compilers say it."""

from pathlib import Path

import pytest

from komainu.cli.problems import tell
from komainu.cli.speech import Speech

PROBLEM = {
    "line": 3, "column": 5, "path": "groups[0].name", "code": "KM1000", "level": "error", "en": "Bad.", "ja": "不正。",
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "c.yaml:3:5: error: groups[0].name: Bad. (KM1000)\nc.yaml:3:5: note: Bad. (KM1000)\n"),
        ("ja", "c.yaml:3:5: エラー: groups[0].name: 不正。 (KM1000)\nc.yaml:3:5: 情報: 不正。 (KM1000)\n"),
    ],
)
def test_place_gravity_path_reason_and_code(capsys: pytest.CaptureFixture[str], language: str, said: str) -> None:
    tell(Path("c.yaml"), [PROBLEM, {**PROBLEM, "path": "", "level": "info"}], Speech(language, coloured=False))
    assert capsys.readouterr().err == said
