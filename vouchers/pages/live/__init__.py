"""The live screen: everything at a glance, alerts within a second, and the red button."""
