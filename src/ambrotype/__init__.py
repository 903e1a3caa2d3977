"""Ambrotype: the permanent home of generated media."""
