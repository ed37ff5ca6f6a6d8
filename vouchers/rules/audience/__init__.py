"""Who is within reach of which store, exactly, and who of them belongs to the audience."""
