"""Roles: what each may do, who has which where and until when, and the check of every act."""

from vouchers.services.roles.definitions import ROLES, sync_roles
from vouchers.services.roles.giving import GIVE, give_role, withdraw_role
from vouchers.services.roles.permissions import (
    ANYWHERE,
    area_of,
    require_permission,
    roles_of,
    view_area,
    visible,
)

__all__ = [
    "ANYWHERE",
    "GIVE",
    "ROLES",
    "area_of",
    "give_role",
    "require_permission",
    "roles_of",
    "sync_roles",
    "view_area",
    "visible",
    "withdraw_role",
]
