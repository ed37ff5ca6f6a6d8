"""What goes over the wire, the same at both doors: requests parsed, outcomes rendered."""
