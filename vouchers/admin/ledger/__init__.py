"""Pages of money, to look at."""
