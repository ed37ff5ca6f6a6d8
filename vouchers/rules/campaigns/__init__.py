"""What makes a campaign's terms valid, and what may be changed once they are in force."""
