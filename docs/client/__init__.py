"""A client of the till's calls and a sample till, for integrators to read, copy or run."""
