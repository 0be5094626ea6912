"""Tradepost: the MCP hub for commerce teams."""

__version__ = "0.1.0"
