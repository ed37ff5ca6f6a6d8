"""Business days settled and paid out; what merchants owe, collected."""
