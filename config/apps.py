"""The admin application, with a site of this product's own."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    """Django's admin, behind the second factor."""

    default_site = "vouchers.pages.signin.site.Site"
