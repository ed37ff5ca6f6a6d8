"""The documentation, and the code that makes its reference pages."""
