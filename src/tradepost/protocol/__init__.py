"""MCP on the wire, both eras, and the ports that join it to the rest. Knows no hub and no shop."""
