"""Django's authentication backend for permissions, answered as of now."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils import timezone

from vouchers.queries.roles import NOWHERE
from vouchers.services.roles.permissions import area_of, is_to_view, permissions_held, reaches


class GrantBackend(ModelBackend):
    """Django's questions about permissions, answered from grants in force.

    `has_perm` without a row: to view, wherever it is had; to do anything else, for the whole city.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether a user has a permission; on `obj` if one is given."""
        area = area_of(user_obj, perm, at=timezone.now())
        if obj is not None:
            return reaches(area, perm, obj)
        return area != NOWHERE if is_to_view(perm) else area.is_city

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether a user has any permission of an application, anywhere."""
        if not user_obj.is_active or user_obj.is_anonymous:
            return False
        if user_obj.is_superuser:
            return True
        return any(
            name.startswith(f"{app_label}.") and self.has_perm(user_obj, name)
            for name in permissions_held(user_obj)
        )

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Names of all permissions a user has now; on `obj` if one is given."""
        if not user_obj.is_active or user_obj.is_anonymous:
            return set()
        if user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        return {name for name in permissions_held(user_obj) if self.has_perm(user_obj, name, obj)}

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """None: permissions are given with roles only."""
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Those of the user's roles."""
        return self.get_all_permissions(user_obj, obj)
