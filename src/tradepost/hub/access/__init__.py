"""Who is calling us: workspaces, users and roles, profiles, agents, keys."""
