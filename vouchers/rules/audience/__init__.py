"""Exact distances between residents and stores, and the audience of a campaign."""
