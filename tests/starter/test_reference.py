"""The pages that the program writes about itself name everything there is."""

from itertools import pairwise

import pytest
from typer.testing import CliRunner

from tradepost.cli.main import app
from tradepost.commerce.servers import PLANS
from tradepost.hub.access.scopes import SCOPES
from tradepost.settings import Settings
from tradepost.starter.reference import PAGES


@pytest.mark.behaviour("S3.23")
def test_every_bundled_tool_stands_there_with_a_scope_that_exists():
    page = PAGES["tools"]()
    for name in (name for plan in PLANS for name in plan.tools.split()):
        section = page.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
        assert section, name
        scope = section.split("`")[1]
        assert scope in SCOPES, (name, scope)
    assert page.count("no scope: ") == len(("get_approval", "find_tools", "load_tools", "get_rest"))


def test_every_setting_is_explained():
    page = PAGES["settings"]()
    for name, field in Settings.model_fields.items():
        assert f"`TRADEPOST_{name.upper()}`" in page
        assert field.description, name


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_printed_and_its_tables_are_whole(name: str):
    shown = CliRunner().invoke(app, ["reference", name])
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("# ")
    for above, below in pairwise(lines):
        if above.startswith("| ") and below.startswith("| "):
            assert above.count("|") == below.count("|")
    rows = [line for line in lines if line.startswith("| `")]
    assert rows
    last = name in ("tools", "settings")  # of these the cell in between may be empty
    assert all(row.split("|")[-2 if last else 2].strip() for row in rows)


def test_an_unknown_page_is_one_sentence():
    shown = CliRunner().invoke(app, ["reference", "nonsense"])
    assert shown.exit_code == 1
    assert "There are: tools" in shown.output
