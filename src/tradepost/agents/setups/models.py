"""The table of setups, beside the hub's own table of agents: its id is the agent's."""

from typing import Any

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned
from tradepost.database.types import JsonColumn

PLANNER = "planner"
ROLES = ("specialist", PLANNER, "shopper")


class AgentSetup(HubBase, Versioned):
    """How an agent works. `model` "" is the hub's default. `limits` holds only what was set; `prompts` are names of
    prompts that people start it with."""

    __tablename__ = "agent_setups"
    role: Mapped[str] = mapped_column(default="specialist")
    instructions: Mapped[str] = mapped_column(Text, default="")
    model: Mapped[str] = mapped_column(default="")
    fallback_model: Mapped[str] = mapped_column(default="")
    limits: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    prompts: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    __table_args__ = (CheckConstraint("role IN ('specialist', 'planner', 'shopper')", name="role"),)
