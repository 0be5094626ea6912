"""Putting the runtime together."""

import warnings

from pydantic_ai.exceptions import UnsupportedSettingWarning

from tradepost.agents.answering.turns import Runner
from tradepost.agents.models.naming import MayReach, Models
from tradepost.agents.ports import Callers, Directory, Runtime, ToolDoor
from tradepost.database.engine import Database


def build_runtime(
    database: Database,
    door: ToolDoor,
    callers: Callers,
    directory: Directory,
    may_reach: MayReach,
    default_model: str,
) -> Runtime:
    """What runs turns."""
    warnings.filterwarnings("ignore", category=UnsupportedSettingWarning)
    return Runner(database, door, callers, directory, Models(may_reach), default_model)
