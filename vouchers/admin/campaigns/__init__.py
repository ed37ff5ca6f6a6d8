"""Pages of campaigns: set-up, review, acts, proposals, figures."""
