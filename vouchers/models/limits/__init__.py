"""Limit counters, refused attempts, holds; risk rules, their tallies and signals."""
