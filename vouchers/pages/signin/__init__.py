"""Signing in to the admin: limits on failures, the second factor."""
