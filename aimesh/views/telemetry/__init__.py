"""The telemetry API: what any agent on Kafka did, from tables that survive a restart."""
