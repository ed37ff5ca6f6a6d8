"""The report of a campaign: one HTML file that loads nothing and prints on A4."""
