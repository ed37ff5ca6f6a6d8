"""Addresses of the live screen; its stream is answered before Django where the server is ASGI."""

from django.contrib import admin
from django.urls import path

from vouchers.pages.live import places, views

urlpatterns = [
    path("", admin.site.admin_view(views.screen), name="live"),
    path("board", admin.site.admin_view(views.parts), name="live-board"),
    path("shapes", admin.site.admin_view(places.city_shapes), name="live-shapes"),
    path(
        "shapes/<int:adcode>",
        admin.site.admin_view(places.district_shapes),
        name="live-district-shapes",
    ),
    path("district/<int:adcode>", admin.site.admin_view(places.district), name="live-district"),
    path("stream", views.no_stream, name="live-stream"),
]
