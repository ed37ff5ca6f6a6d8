"""Tables of distribution: runs, shards, tranches and their vouchers."""
