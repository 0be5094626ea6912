"""Key figures, the daily report and the briefing."""
