"""The bundled shop: one folder per domain, flows for what spans them, servers that group their tools."""
