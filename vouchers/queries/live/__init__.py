"""The live screen: its board, its alerts, and what can be stopped from it."""
