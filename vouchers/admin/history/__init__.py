"""What was changed of a row, and what people did about it: its page "History"."""
