"""One file per revision of the store database, oldest first."""
