"""What was changed of a row: its page "History", and the list of all changes."""
