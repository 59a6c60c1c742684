"""Exports traces from the tables."""
