"""The authorization server over HTTP: metadata, consent, tokens."""
