"""Everything between an MCP client and the servers it may use: governed, approved, audited."""
