"""Pages of what came back after a redemption."""
