"""The CEL engine, without the command line that its package loads along with it: a terminal toolkit and a highlighter,
a quarter of a second that a start of the hub does not have."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

_NAME = "cel.cel"


def _extension() -> ModuleType:
    package = find_spec("cel")
    for folder in (package.submodule_search_locations if package is not None else None) or ():
        spec = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec(_NAME)
        if spec is not None and spec.loader is not None:
            module = sys.modules[_NAME] = module_from_spec(spec)  # the package finds it there: it loads only once
            spec.loader.exec_module(module)
            return module
    raise ImportError("common-expression-language has no engine for this Python. Install the requirements again.")


if TYPE_CHECKING:
    import cel
else:
    cel = _extension()

__all__ = ["cel"]
