"""The set-up of a draft on one page: its sections, its panel, and where drafts come from."""
