"""Tables of money: funding sources, the double-entry ledger, quota cells."""
