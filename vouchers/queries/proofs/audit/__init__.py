"""Statements that recompute the books from their rows."""
