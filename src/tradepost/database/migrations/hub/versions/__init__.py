"""One file per revision of the hub database, oldest first."""
