"""Pure rules: nothing here imports more than the standard library."""
