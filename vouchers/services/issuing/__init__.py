"""Distribution: runs, their leases, minting, and the expiry of what was issued."""
