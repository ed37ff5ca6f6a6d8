"""Tables of residents, and the staging tables they are loaded through."""
