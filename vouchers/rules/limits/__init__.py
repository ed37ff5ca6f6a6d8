"""Exact limits, and the risk rules that notice fraud."""
