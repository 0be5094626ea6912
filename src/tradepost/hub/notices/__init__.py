"""Telling people outside the hub what waits for them and what became of it: mails, webhooks, Slack."""
