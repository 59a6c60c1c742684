"""Which traces are exported, and what their spans are called elsewhere."""
