"""What needs a server on the line: test, discover, refresh."""
