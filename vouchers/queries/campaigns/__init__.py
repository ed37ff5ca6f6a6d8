"""A campaign's figures, and its terms as they stand."""
