"""AI-Mesh: an event-driven mesh of AI agents over Kafka that can be trusted and understood."""
