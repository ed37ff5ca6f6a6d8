"""Read-only pages of money."""
