"""OpenAPI documents: read, bounded, and compiled into definitions of tools."""
