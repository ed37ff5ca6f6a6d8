"""What is done to a campaign: set up, approved, launched, amended, its budget changed."""
