"""REST on /api/v1: the same services as the command line and the pages, with the same roles, for programs."""
