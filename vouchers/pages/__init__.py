"""Pages that are neither the admin's nor the interface's."""
