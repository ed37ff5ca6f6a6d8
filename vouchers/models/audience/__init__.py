"""Tables and statements of targeting: residents as columns, packed snapshots, a run's members."""
