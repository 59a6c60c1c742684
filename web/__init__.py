"""Templates and static files of the dashboard."""
