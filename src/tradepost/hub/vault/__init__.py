"""The credentials we hold for servers: sealed at rest, opened only for a live connection, never shown."""
