"""The live screen without a browser."""
