"""Targeting: preview, a run's audience, and the explanation for one resident."""
