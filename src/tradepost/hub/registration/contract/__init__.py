"""Whether one server can take the place of another: what every schema says, compared."""
