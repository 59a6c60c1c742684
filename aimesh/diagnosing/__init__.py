"""Gathers what a diagnosis starts from, and puts its answers together."""
