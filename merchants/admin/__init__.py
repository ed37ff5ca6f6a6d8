"""Merchants, their stores and places, tills and keys. The admin shows, services act."""

from merchants.admin import credentials, stores

__all__ = ["credentials", "stores"]
