"""The reference page says what the OpenAPI document says."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

GENERATOR = Path(__file__).parents[2] / "docs" / "rest_reference.py"


def test_the_reference_page_is_current() -> None:
    spec = spec_from_file_location("rest_reference", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator = module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.PAGE.read_text() == generator.page(), "write it anew: python docs/rest_reference.py"
