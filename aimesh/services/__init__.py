"""Doors to the outside: the model, the memory, the sandbox, the archive, Kafka's administration."""
