"""Pages of what risk rules notice and hold, and of the cases made of it."""
