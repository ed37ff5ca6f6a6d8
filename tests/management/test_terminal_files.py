"""Terminals are enrolled by the file, and an integrator's own numbers are mapped by one."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from merchants.models import Credential, OwnNumber, Terminal
from merchants.services import issue_credential
from merchants.services.terminals import enrol_by_code
from tests.support import cast

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: object) -> int:
    """The command's exit code."""
    out = io.StringIO()
    try:
        call_command(command, *map(str, arguments), stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode
    return 0


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def codes_in(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_gets_a_till_and_a_code_and_faults_are_named(tmp_path: Path) -> None:
    cast.nanjing_road()
    path = written(
        tmp_path / "tills.csv",
        "merchant,store,terminal",
        "huilian,NANJING_ROAD,T1",
        "huilian,nanjing_road,T2",
        "huilian,elsewhere,T1",
        "huilian,nanjing_road,T2",
    )
    assert run("enrol_terminals", path) == 1
    assert set(Terminal.objects.values_list("code", flat=True)) == {"T1", "T2"}
    codes = tmp_path / "tills.csv.codes.csv"
    assert codes.stat().st_mode & 0o777 == 0o600
    rows = codes_in(codes)
    assert [row["terminal"] for row in rows] == ["T1", "T2"]
    for row in rows:
        found = enrol_by_code(code=row["code"], address="203.0.113.7", at=timezone.now())
        assert found.terminal.code == row["terminal"]
    with open(tmp_path / "tills.csv.errors.csv", encoding="utf-8-sig") as file:
        faults = list(csv.DictReader(file))
    assert [(row["line"], row["code"]) for row in faults] == [
        ("4", "store_unknown"),
        ("5", "duplicate_row"),
    ]


def test_a_scope_that_does_not_exist_stops_the_command(tmp_path: Path) -> None:
    cast.nanjing_road()
    path = written(tmp_path / "t.csv", "merchant,store,terminal", "huilian,nanjing_road,T1")
    assert run("enrol_terminals", path, "--scopes", "everything") == 2
    assert run("enrol_terminals", path, "--days", "0") == 2
    assert not Terminal.objects.exists()


def test_own_numbers_are_mapped_and_mapped_anew(tmp_path: Path) -> None:
    store, other = cast.nanjing_road(), cast.store("second", of=cast.huilian())
    Terminal.objects.create(store=store, code="T1")
    rival = cast.rival_shop()
    credential, _ = issue_credential(
        name="pos",
        kind=Credential.Kind.INTEGRATOR,
        scopes=["redeem"],
        merchants=[cast.huilian()],
        at=timezone.now(),
    )
    path = written(
        tmp_path / "own.csv",
        "own_store,own_terminal,merchant,store,terminal",
        "9001,,huilian,nanjing_road,",
        "9001,K1,huilian,nanjing_road,T1",
        "9002,K1,huilian,nanjing_road,",
        f"9003,,rival,{rival.external_id},",
        "9004,K1,huilian,nanjing_road,T9",
    )
    assert run("map_numbers", credential.pk, path) == 1
    assert set(OwnNumber.objects.values_list("store_no", "terminal_no", "terminal__code")) == {
        ("9001", "", None),
        ("9001", "K1", "T1"),
    }
    written(path, "own_store,merchant,store", "9001,huilian,second")
    assert run("map_numbers", credential.pk, path) == 0
    assert OwnNumber.objects.get(terminal_no="").store == other
    assert run("map_numbers", 999_999, path) == 2
