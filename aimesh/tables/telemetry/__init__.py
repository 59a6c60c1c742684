"""What is known of all agents: rows in tables with changelogs, and indexes over them in memory."""
