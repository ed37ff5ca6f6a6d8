"""What answers say to browsers: policies, other headers, cookies; and Django's own check."""

import re
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.support import cast

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = sorted(
    [*ROOT.glob("vouchers/templates/**/*.html"), *ROOT.glob("merchants/templates/**/*.html")]
)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)
FOREIGN = re.compile(r"""(?:src|href)=["'](?:https?:)?//""", re.IGNORECASE)

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def policy(answer: HttpResponse) -> dict[str, set[str]]:
    """The policy of an answer by directive."""
    directives = [one.split() for one in answer["Content-Security-Policy"].split(";")]
    return {name: set(sources) for name, *sources in directives}


def get(client: Client, address: str) -> HttpResponse:
    answer = client.get(address)
    assert isinstance(answer, HttpResponse)
    return answer


@pytest.mark.parametrize(
    "address",
    ["/admin/", "/admin/login/", "/api/v1/docs", "/api/v1/schema", "/health/", "/nowhere"],
)
def test_no_page_may_load_from_elsewhere_or_be_framed(root: Client, address: str) -> None:
    answer = get(root, address)
    directives = policy(answer)
    sources = set().union(*directives.values())
    assert sources <= {"'none'", "'self'", "data:", "'unsafe-inline'", "'unsafe-eval'"}
    assert directives["default-src"] == directives["frame-ancestors"] == {"'none'"}
    assert directives["base-uri"] == {"'none'"}
    assert "'unsafe-inline'" not in directives["script-src"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


def test_only_the_admin_makes_functions_of_texts(root: Client) -> None:
    assert "'unsafe-eval'" in policy(get(root, "/admin/"))["script-src"]
    for address in ("/api/v1/docs", "/api/v1/schema", "/health/", "/nowhere"):
        assert policy(get(root, address))["script-src"] == {"'self'"}


def test_the_strict_policy_has_no_exception(root: Client) -> None:
    sources = set().union(*policy(get(root, "/nowhere")).values())
    assert sources == {"'none'", "'self'", "data:"}


def test_a_refused_sign_in_has_the_admins_policy() -> None:
    answer = get(Client(), reverse("admin:vouchers_campaign_changelist"))
    assert answer.status_code == HTTPStatus.FOUND
    assert "'unsafe-eval'" in policy(answer)["script-src"]


def test_the_description_of_the_api_has_no_script_in_its_page(root: Client) -> None:
    page = get(root, "/api/v1/docs").content.decode()
    assert not INLINE_SCRIPT.search(page)
    assert not FOREIGN.search(page)
    script = get(root, "/api/v1/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_scripts_in_them_and_load_nothing_foreign(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert INLINE_SCRIPT.findall(text) == []
    assert FOREIGN.findall(text) == []


def test_scripts_do_not_read_the_cookies() -> None:
    User.objects.create_user("mei", password="a long enough one", is_staff=True)
    client = Client()
    client.get(reverse("admin:login"))
    client.post(reverse("admin:login"), {"username": "mei", "password": "a long enough one"})
    client.post(reverse("set_language"), {"language": "en"})
    assert client.cookies.keys() == {"csrftoken", "sessionid", "django_language"}
    for cookie in client.cookies.values():
        assert cookie["httponly"], cookie.key
        assert cookie["samesite"] == "Lax", cookie.key


def test_djangos_check_has_nothing_to_say_about_a_production_installation(
    process_environment: dict[str, str],
) -> None:
    relaxed = {"SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE"}
    environment = {k: v for k, v in process_environment.items() if k not in relaxed}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level=DEBUG"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues (0 silenced)" in checked.stdout + checked.stderr


@pytest.mark.parametrize("is_foreign", [True, False])
def test_maps_alone_may_load_images_from_the_host_of_the_tiles_and_nothing_else(
    root: Client, settings: Any, is_foreign: bool
) -> None:
    pages = [
        reverse("live"),
        reverse("admin:vouchers_campaign_map", args=[cast.spring_campaign().pk]),
        reverse("admin:index"),
        reverse("admin:login"),
    ]
    without = [policy(get(root, page)) for page in pages]
    host = "https://tiles.example:8443" if is_foreign else ""
    settings.HUIMIN_TILE_URL = f"{host}/t/{{z}}/{{x}}/{{y}}.png?key=1"
    settings.HUIMIN_TILE_DATUM = "GCJ-02"
    with_tiles = [policy(get(root, page)) for page in pages]
    for directives in without[:2]:
        directives["img-src"] |= {host} if host else set()
    assert with_tiles == without
