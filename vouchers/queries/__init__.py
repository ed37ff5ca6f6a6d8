"""Reads with more than one join. One name per capability."""
