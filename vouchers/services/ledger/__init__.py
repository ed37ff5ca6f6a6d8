"""The only writers of the ledger and of quota headroom."""
