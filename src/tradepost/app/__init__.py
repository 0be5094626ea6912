"""The only place where parts are built and joined."""

from tradepost.app.hub import Tradepost
from tradepost.app.opening import open_tradepost

__all__ = ["Tradepost", "open_tradepost"]
