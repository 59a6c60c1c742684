"""Diagnosis: from what is measured to what is wrong, what it comes from, and what to do next."""
