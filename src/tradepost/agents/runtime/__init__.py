"""Running one agent: its catalog as tools, its limits, its steps, and what goes wrong as sentences."""
