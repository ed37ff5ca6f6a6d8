"""The auditor's pack: everything of one moment, and no resident's name in it."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.support import cast
from tests.support.books import healthy_book
from tests.support.cast import NOON
from vouchers.models import (
    Attempt,
    AudienceMember,
    Campaign,
    Leg,
    Redemption,
    Resident,
    RoleChange,
    SetupChange,
    Transfer,
    Voucher,
)
from vouchers.queries.proofs.pack.sheets import FILE_COUNT
from vouchers.services.proofs.pack import export_pack, verifier
from vouchers.services.proofs.seals import seal_whole

VERIFY = Path(__file__).parents[3] / "vouchers" / "verify"

pytestmark = pytest.mark.django_db


def rows(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one file."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.jsonl") as file:
        return [json.loads(line)["row"] for line in file]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A healthy book's."""
    campaign = healthy_book()
    seal_whole(campaign=campaign, at=NOON)
    export_pack(campaign=campaign, path=tmp_path / "pack.zip", at=NOON)
    return tmp_path / "pack.zip"


def test_every_row_is_there(pack: Path) -> None:
    assert len(rows(pack, "vouchers")) == Voucher.objects.count() > 0
    assert len(rows(pack, "redemptions")) == Redemption.objects.count() > 0
    assert len(rows(pack, "audience")) == AudienceMember.objects.count() > 0
    assert len(rows(pack, "attempts")) == Attempt.objects.exclude(voucher_id=None).count()
    assert len(rows(pack, "role_changes")) == RoleChange.objects.count() > 0
    of_others = SetupChange.objects.exclude(
        page_table__in=["vouchers_campaign", "merchants_store", "merchants_merchant"]
    )
    changes = SetupChange.objects.exclude(pk__in=of_others)
    assert len(rows(pack, "setup_changes")) == changes.count() > 0
    entries = rows(pack, "journal")
    assert [(entry["xid"], entry["id"]) for entry in entries] == [
        (transfer.xid, transfer.pk)
        for transfer in sorted(Transfer.objects.all(), key=lambda item: (item.xid, item.pk))
    ]
    assert sum(len(entry["legs"]) for entry in entries) == Leg.objects.count()


def test_files_are_listed_and_canonical(pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        names = [file["name"] for file in manifest["files"]]
        assert [*names, "verify.pyz", "manifest.json"] == archive.namelist()
        assert len(names) == FILE_COUNT
        for name in names:
            for line in archive.read(name).splitlines():
                row = json.loads(line)["row"]
                spelt = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                assert line[34:-1] == spelt.encode()


def test_the_verifier_is_listed_and_of_its_sources_alone(pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        program = archive.read("verify.pyz")
    assert manifest["verifier"] == {
        "name": "verify.pyz",
        "sha256": hashlib.sha256(program).hexdigest(),
    }
    assert program == verifier()
    with zipfile.ZipFile(io.BytesIO(program)) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        assert names == sorted(names)
        assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
        assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
        sources = {path.name: path.read_bytes() for path in VERIFY.glob("*.py")}
        assert {
            name.removeprefix("vouchers/verify/"): archive.read(name)
            for name in names
            if name.startswith("vouchers/verify/")
        } == sources


def test_no_resident_can_be_identified_in_it(pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    for resident in Resident.objects.all():
        assert resident.external_id.encode() not in whole
    redemption = Redemption.objects.order_by("id")[0]
    one, *_ = rows(pack, "redemptions")
    assert len(str(one["resident"])) == 16
    assert str(one["resident"]) != str(redemption.resident_id)
    holders = {row["id"]: row["resident"] for row in rows(pack, "vouchers")}
    assert holders[redemption.voucher_id] == one["resident"]


def test_pseudonyms_are_of_the_campaign(pack: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    export_pack(campaign=Campaign.objects.get(), path=again, at=NOON)
    assert rows(again, "vouchers") == rows(pack, "vouchers")


def test_the_command_writes_the_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cast.running_campaign()
    path = tmp_path / "pack.zip"
    call_command("export_audit", "spring-2026", str(path))
    assert zipfile.is_zipfile(path)
    assert path.read_bytes()[-64:].decode() in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    cast.running_campaign()
    with pytest.raises(CommandError, match="No such file"):
        call_command("export_audit", "spring-2026", str(tmp_path / "nowhere" / "pack.zip"))
    with pytest.raises(CommandError, match="summer"):
        call_command("export_audit", "summer", str(tmp_path / "pack.zip"))
