"""How people and clients say who they are: signing in, accounts, OAuth. Pages without scripts."""
