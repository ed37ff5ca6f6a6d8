"""A small city and its merchant day, on public services and HTTP only."""
