"""Addresses: the admin, the live screen, and whether the servers behind it answer."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from health_check.contrib.redis import Redis as RedisCheck
from health_check.views import HealthCheckView
from redis.asyncio import Redis

health = HealthCheckView.as_view(
    checks=[
        "health_check.checks.Database",
        (RedisCheck, {"client_factory": lambda: Redis.from_url(settings.REDIS_URL)}),
    ]
)

handler400 = "vouchers.pages.unread.bad_request"
handler403 = "vouchers.pages.refused.forbidden"
handler404 = "vouchers.pages.refused.not_found"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("live/", include("vouchers.pages.live.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("vouchers.api.urls")),
    path("health/", health, name="health"),
]
