"""The crew: agents that answer questions together, each on a queue of its own."""
