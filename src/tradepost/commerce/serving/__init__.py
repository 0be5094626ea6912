"""How typed functions of the domains become an MCP server: declaring, schemas, replay, preview, results."""
