"""Faust tables and the read models over them."""
