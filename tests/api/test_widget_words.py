"""The chat's words: every language has all of them, with what is filled in later."""

import re
from importlib.resources import files

import pytest

_WORD = re.compile(r'^\s+(\w+): "((?:[^"\\]|\\.)*)",$', re.MULTILINE)
_FOLDER = files("tradepost.api.widget")


def words(text: str) -> dict[str, str]:
    return dict(_WORD.findall(text))


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_every_language_has_every_word(language: str) -> None:
    english = words(_FOLDER.joinpath("words.js").read_text("utf-8"))
    others = _FOLDER.joinpath("languages.js").read_text("utf-8")
    own = words(others.partition(f"  {language}: {{")[2].partition("\n  },")[0])
    assert own.keys() == english.keys()
    assert len(english) > 20
    filled_in = {name: re.findall(r"{\w+}", text) for name, text in english.items()}
    assert {name: re.findall(r"{\w+}", text) for name, text in own.items()} == filled_in
