"""Exact counters of what residents, links, stores and merchants do; holds on money."""
