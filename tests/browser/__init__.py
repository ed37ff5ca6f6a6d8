"""Pages in a real browser, on the real server."""
