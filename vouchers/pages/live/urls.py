"""Addresses of the live screen; its stream is answered before Django where the server is ASGI."""

from django.contrib import admin
from django.urls import path

from vouchers.pages.live import views

urlpatterns = [
    path("", admin.site.admin_view(views.screen), name="live"),
    path("board", admin.site.admin_view(views.parts), name="live-board"),
    path("stream", views.no_stream, name="live-stream"),
]
