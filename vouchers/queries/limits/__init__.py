"""What the pages of wrong codes, of cases and of risk rules show."""
