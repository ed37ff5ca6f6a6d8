"""The walls stand: imports flow one way, and the models and the migrations say the same."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import RequestFactory

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "merchants", "vouchers")
LAYERS = ("rules", "models", "queries", "services", "admin")
CAPABILITIES = {
    "campaigns",
    "audience",
    "issuing",
    "claims",
    "redemption",
    "limits",
    "ledger",
    "settlement",
    "residents",
    "proofs",
    "webhooks",
    "sandbox",
    "hotline",
    "live",
    "roles",
}
# What a layer has beside the capabilities, because all of them use it.
SHARED = {
    "rules": set[str](),
    "models": {"locks", "history"},
    "queries": {"history", "demo"},
    "services": {
        "acts",
        "history",
        "outbox",
        "partitions",
        "refusals",
        "second_factor",
        "sold_out",
        "sweeps",
        "valkey",
    },
    "admin": {
        "base",
        "buttons",
        "changes",
        "dashboard",
        "faults",
        "fields",
        "filters",
        "forms",
        "history",
        "navigation",
        "rule_words",
        "searches",
        "users",
        "words",
    },
}
MOST_LINES = 400
"""Of any Python module but a migration."""
LINT = Path(sys.executable).parent / "lint-imports"

CIRCLE = "queries in a circle"
# A module, the import planted into it, and the contract that must say no.
PLANTED = {
    "rules → models": (
        "vouchers/rules/limits/limits.py",
        "from vouchers.models import Voucher",
        "Rules are pure",
    ),
    "rules → Django": (
        "vouchers/rules/issuing/codes.py",
        "from django.conf import settings",
        "Rules are pure",
    ),
    "models → services": (
        "vouchers/models/ledger/transfers.py",
        "from vouchers.services.ledger import transfers as writer",
        "Layers of vouchers",
    ),
    "services → express": (
        "vouchers/services/ledger/transfers.py",
        "from vouchers.express import Express",
        "Layers of vouchers",
    ),
    "redemption's rules → settlement's": (
        "vouchers/rules/redemption/undo.py",
        "from vouchers.rules.settlement import Owed",
        "Capabilities of the rules",
    ),
    "campaigns' tables → settlement's": (
        "vouchers/models/campaigns/terms.py",
        "from vouchers.models.settlement import Settlement",
        "Capabilities of the models",
    ),
    "ledger → redemption": (
        "vouchers/services/ledger/quotas.py",
        "from vouchers.services.redemption import redeem",
        "Capabilities of the services",
    ),
    CIRCLE: (
        "vouchers/queries/campaigns/overview.py",
        "from vouchers.queries.demo import lost_redemptions",
        "Capabilities of queries and admin do not go in circles",
    ),
    "settlement → inside of redemption": (
        "vouchers/services/settlement/days.py",
        "from vouchers.services.redemption.batch_effects import write",
        "The inside of a redemption's acts",
    ),
    "settlement → inside of claims": (
        "vouchers/services/settlement/days.py",
        "from vouchers.services.claims.batch_effects import write",
        "The inside of claims",
    ),
    "audit → services": (
        "vouchers/services/proofs/audit.py",
        "from vouchers.services.ledger import transfers",
        "The audit imports nothing of the services it judges",
    ),
    "audit → rules": (
        "vouchers/rules/proofs/audit/books.py",
        "from vouchers.rules.ledger import quotas",
        "The audit decides by rules of its own",
    ),
    "serve → demo": (
        "vouchers/management/supervisor.py",
        "from vouchers.demo.telling import Teller",
        "serve does not import the demo",
    ),
    "verify → states": (
        "vouchers/verify/arrows.py",
        "from vouchers.states import LimitKind",
        "The verifier stands alone",
    ),
    "merchants' models → services": (
        "merchants/models.py",
        "from merchants.services import enrolment",
        "Layers of merchants",
    ),
    "merchants → vouchers": (
        "merchants/models.py",
        "from vouchers.states import LimitKind",
        "config stands on vouchers, vouchers on merchants",
    ),
}


def breaches(root: Path) -> dict[str, str]:
    """What lint-imports says of each contract that it finds broken in a tree; it must have judged
    it at all."""
    judged = subprocess.run(
        [LINT, "--no-cache"],
        cwd=root,
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    summary, _, details = judged.stdout.partition("Broken contracts\n")
    lines = summary.splitlines()
    assert any(line.startswith("Contracts: ") for line in lines), judged.stdout + judged.stderr
    broken = [line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")]
    assert (judged.returncode == 0) == (not broken)
    return {contract: said_of(contract, details) for contract in broken}


def said_of(contract: str, details: str) -> str:
    """The part of the details below a contract's heading."""
    heading = f"\n{contract}\n{'-' * len(contract)}\n"
    assert details.count(heading) == 1, details
    return re.split(r"\n.+\n-{4,}\n", details.partition(heading)[2])[0]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's sources in a place where they may be spoilt."""
    copy = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_every_contract_holds(tree: Path) -> None:
    assert breaches(tree) == {}


@contextmanager
def planting(tree: Path, names: Iterable[str]) -> Iterator[dict[str, str]]:
    """A tree with imports planted, and by their names how lint-imports speaks of each."""
    sound: dict[Path, str] = {}
    spoken: dict[str, str] = {}
    for name in names:
        path, line, _ = PLANTED[name]
        module = tree / path
        text = module.read_text(encoding="utf-8")
        sound.setdefault(module, text)
        module.write_text(f"{text}{line}\n", encoding="utf-8")
        importer = re.escape(path.removesuffix(".py").replace("/", "."))
        spoken[name] = rf"{importer} -> \S+ \(l\.{len(text.splitlines()) + 1}\)"
    try:
        yield spoken
    finally:
        for module, text in sound.items():
            module.write_text(text, encoding="utf-8")


def test_a_planted_import_breaks_its_contract(tree: Path) -> None:
    """All are planted at once: of its contract must be said that a chain of imports ends in it."""
    with planting(tree, [name for name in PLANTED if name != CIRCLE]) as spoken:
        said = breaches(tree)
    unnoticed = [
        name
        for name, link in spoken.items()
        if not re.search(f"{link}\n(?:\n|$)", said.get(PLANTED[name][2], ""))
    ]
    assert unnoticed == [], said


def test_a_circle_breaks_its_contract(tree: Path) -> None:
    """By itself, since no line is named."""
    with planting(tree, [CIRCLE]):
        assert breaches(tree).keys() == {PLANTED[CIRCLE][2]}


def test_a_package_of_no_layer_breaks_the_contract(tree: Path) -> None:
    """`exhaustive`: a new package must be named in the contract."""
    stray = tree / "vouchers" / "utils"
    stray.mkdir()
    (stray / "__init__.py").touch()
    try:
        assert breaches(tree).keys() == {"Layers of vouchers"}
    finally:
        shutil.rmtree(stray)


def test_every_contract_has_a_planted_breach() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["name"] for one in declared["tool"]["importlinter"]["contracts"]}
    assert contracts == {contract for _, _, contract in PLANTED.values()}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_divided_into_the_same_capabilities(layer: str) -> None:
    children = {child.stem for child in (ROOT / "vouchers" / layer).iterdir()}
    children -= {"__init__", "__pycache__"}
    assert children - CAPABILITIES == SHARED[layer]


WRITES = {
    "save",
    "delete",
    "create",
    "update",
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "bulk_update",
    "save_model",
    "save_formset",
    "save_related",
    "delete_model",
    "delete_queryset",
}
"""Methods that write a model, or by which Django's admin would."""


@pytest.mark.parametrize(
    "module",
    sorted([*ROOT.glob("vouchers/admin/**/*.py"), *ROOT.glob("merchants/admin/*.py")]),
    ids=lambda path: f"{path.parent.parent.name}.{path.stem}",
)
def test_the_admin_writes_through_services_only(module: Path) -> None:
    calls = [
        f"line {node.lineno}: .{node.func.attr}()"
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
    ]
    assert calls == []


CLOCK = re.compile(r"\b(?:timezone|datetime|time)\.(?:now|utcnow|time)\(")
BELOW_THE_EDGES = (
    *(f"vouchers/{layer}" for layer in ("rules", "models", "queries", "services", "sql")),
    "merchants/geo",
    "merchants/services",
)


def test_nothing_below_the_edges_reads_the_clock() -> None:
    """Time is an argument: what is judged is judged as of one instant, whoever asks."""
    modules = [module for folder in BELOW_THE_EDGES for module in (ROOT / folder).rglob("*.py")]
    assert len(modules) > 100
    reading = [str(it.relative_to(ROOT)) for it in modules if CLOCK.search(it.read_text())]
    assert reading == []


def test_no_page_saves_by_djangos_own_means() -> None:
    """A page that can be saved has its own `save_model`, which calls a service."""
    request = RequestFactory().get("/")
    request.user = User(is_active=True, is_superuser=True)
    for model, page in admin.site._registry.items():
        if model._meta.app_label not in {"vouchers", "merchants"}:
            continue
        if page.has_add_permission(request) or page.has_change_permission(request):
            assert type(page).save_model is not admin.ModelAdmin.save_model, model
        if page.has_delete_permission(request):
            assert type(page).delete_model is not admin.ModelAdmin.delete_model, model
            assert page.actions is None, "deletes many rows without a service"


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    except SystemExit:
        pytest.fail("models and migrations differ: run manage.py makemigrations")


def test_no_module_is_longer_than_the_wall() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in (*PACKAGES, "tests", "docs")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    }
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}
