"""A stand-in for Ollama: its HTTP API with scripted answers, announced as a rehearsal."""
