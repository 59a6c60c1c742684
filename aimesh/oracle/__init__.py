"""Puts the state of the whole system together."""
