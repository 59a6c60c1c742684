"""The state of the whole system: its schema, its short form, and what changed in it."""
