"""What a run of an agent has read that outsiders wrote."""
