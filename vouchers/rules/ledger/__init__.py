"""Arithmetic of amounts and of quota cells."""
