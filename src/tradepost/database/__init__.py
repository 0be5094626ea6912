"""Engines, one transaction per request or task, workspace scope, outbox, migrations. Knows no subject."""
