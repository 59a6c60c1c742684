"""A real Kafka and a rehearsal model for a bare machine, used by ``aimesh up`` and the tests."""
