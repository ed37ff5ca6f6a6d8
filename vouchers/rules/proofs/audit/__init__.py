"""The books judged from their sums and rows, by rules that share nothing with the engine's."""
