"""The workers that are compared: each a program that moves tasks over all hops."""
