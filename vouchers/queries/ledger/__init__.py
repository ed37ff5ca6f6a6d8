"""Balances, what merchants owe, and what became of the money of each round."""
