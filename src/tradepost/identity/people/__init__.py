"""Signing in with a browser: passwords, second factors, identity providers, one-time links, one's own account."""
