"""The money of a campaign as of any instant, settled and waiting; what an auditor takes away."""

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from vouchers import tasks
from vouchers.admin.campaigns import money
from vouchers.http import files
from vouchers.models import Campaign, Settlement, Transfer
from vouchers.queries.ledger.balances import identity_rows
from vouchers.queries.proofs.findings import QUESTIONS, Question
from vouchers.queries.settlement import payouts_of
from vouchers.services.proofs import packs
from vouchers.services.proofs.packs import PackState
from vouchers.services.settlement import days
from vouchers.sql.streams import BLOCK_ROWS
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def audrey(settings: Any, tmp_path: Path) -> Client:
    settings.HUIMIN_ARCHIVE_DIR = tmp_path
    client = signed_in(cast.member("audrey", "auditor"))
    client.cookies.load({"django_language": "en"})
    return client


def page(campaign: Campaign, name: str = "", *arguments: object) -> str:
    return reverse(f"admin:vouchers_campaign_money{name}", args=[campaign.pk, *arguments])


def text_of(client: Client, address: str, **parameters: Any) -> str:
    answer = client.get(address, parameters)
    assert answer.status_code == 200
    return answer.content.decode()


class TestBalances:
    def test_every_posting_moves_the_balances_of_its_instant_and_none_before(
        self, town: Campaign
    ) -> None:
        instants = sorted({it.at for it in Transfer.objects.filter(campaign=town)})
        microsecond = timedelta(microseconds=1)
        for at in instants:
            before = identity_rows(town.pk, at=at - microsecond)
            assert identity_rows(town.pk, at=at) != before, at
            assert all(row.off_fen == 0 for row in before)
        assert identity_rows(town.pk, at=instants[-1]) == identity_rows(town.pk)
        nothing = identity_rows(town.pk, at=instants[0] - microsecond)
        assert {row.appropriated_fen for row in nothing} == {0}
        assert {fen for row in nothing for fen in row.parts_fen.values()} == {0}

    def test_the_page_shows_them_as_of_an_instant_on_the_campaigns_clocks(
        self, town: Campaign, audrey: Client
    ) -> None:
        now = text_of(audrey, page(town))
        assert "✓" in now
        assert "¥3,000,000.00" in now
        earlier = text_of(audrey, page(town), at="2020-01-01T00:00")
        assert "2020-01-01 00:00, Asia/Shanghai" in earlier
        assert "¥3,000,000.00" not in earlier

    @pytest.mark.parametrize("at", ["yesterday", "2026-13-01T00:00", "", "9" * 300])
    def test_an_invalid_instant_shows_an_error_at_its_field(
        self, town: Campaign, audrey: Client, at: str
    ) -> None:
        assert "errorlist" in text_of(audrey, page(town), at=at)


class TestPayouts:
    @pytest.fixture(autouse=True)
    def instructed(self, town: Campaign) -> None:
        """The city's cash has arrived, the group's has not."""
        today = timezone.localdate()
        days.settle_and_pay_day(campaign=town, business_day=today, at=timezone.now())

    def test_a_source_without_cash_waits_while_another_is_paid(self, town: Campaign) -> None:
        found = payouts_of(town.pk)
        by_name = {row.source: row for row in found.sources}
        settled = {z.source.name: z for z in Settlement.objects.filter(campaign=town)}
        paid = [name for name, z in settled.items() if z.state == "paid"]
        waiting = [name for name in settled if name not in paid]
        assert len(paid) == len(waiting) == 1
        assert by_name[paid[0]].paid_fen == settled[paid[0]].total_fen
        assert by_name[paid[0]].missing_fen == 0
        assert by_name[waiting[0]].missing_fen == settled[waiting[0]].total_fen
        assert [row.waiting_fen for row in found.partly_paid] == [settled[waiting[0]].total_fen]
        assert [z.source.name for z in found.waiting] == waiting

    def test_the_page_says_so(self, town: Campaign, audrey: Client) -> None:
        shown = text_of(audrey, page(town))
        assert "Paid in part" in shown
        assert "Waiting for cash" in shown
        assert "Last audit" in shown


class TestQuestions:
    def test_each_is_a_table_of_its_columns(self, town: Campaign, audrey: Client) -> None:
        for question in QUESTIONS:
            answer = audrey.get(page(town, "_question", question.name))
            assert answer.headers["Content-Disposition"].endswith(f'{question.name}.csv"')
            head, *rows = answer.getvalue().decode("utf-8-sig").splitlines()
            assert tuple(head.split(",")) == question.columns
            if question.name == "left_overs":
                free_fen = identity_rows(town.pk)[0].parts_fen[AccountKind.FREE]
                assert f"city,free,{free_fen}" in rows

    def test_no_text_of_a_row_becomes_a_formula(
        self, town: Campaign, audrey: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A category is what a till sends; it comes back as the text it is."""
        columns = ", ".join(f"'{sign}1+1'" for sign in "=+-@")
        evil = Question("evil", "evil", ("a", "b", "c", "d"), f"SELECT {columns}")
        monkeypatch.setattr(money, "QUESTIONS", (evil,))
        answer = audrey.get(page(town, "_question", "evil"))
        assert answer.getvalue().decode().splitlines()[1] == "'=1+1,'+1+1,'-1+1,'@1+1"

    def test_an_answer_of_many_blocks_is_sent_whole_and_never_held_whole(
        self, town: Campaign, audrey: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        many = 2 * BLOCK_ROWS + 1
        long = Question("long", "long", ("number",), f"SELECT generate_series(1, {many})")
        monkeypatch.setattr(money, "QUESTIONS", (long,))
        answer = audrey.get(page(town, "_question", "long"))
        assert answer.streaming
        assert len(answer.getvalue().splitlines()) == many + 1

    def test_an_unknown_question_is_not_found(self, town: Campaign, audrey: Client) -> None:
        assert audrey.get(page(town, "_question", "everything")).status_code == 404


def written(campaign: Campaign, directory: Path) -> packs.PackFile:
    """The newest pack as the page shows it."""
    return packs.packs_of(campaign=campaign, directory=directory, at=timezone.now())[0]


@pytest.fixture
def directory(settings: Any, audrey: Client) -> Path:
    return Path(settings.HUIMIN_ARCHIVE_DIR) / tasks.PACKS


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """What workers are sent to; here nobody takes it up but the test."""
    messages: list[tuple[int, str]] = []

    def apply_async(arguments: tuple[int, str], **_options: Any) -> None:
        messages.append(arguments)

    monkeypatch.setattr(tasks.write_pack, "apply_async", apply_async)
    return messages


class TestPacks:
    def test_a_pack_is_asked_for_written_by_a_worker_and_fetched(
        self, town: Campaign, audrey: Client, directory: Path, sent: list[tuple[int, str]]
    ) -> None:
        assert audrey.post(page(town)).status_code == 302
        assert written(town, directory).state is PackState.WAITING
        assert "hx-trigger" in text_of(audrey, page(town, "_packs"))
        tasks.write_pack(*sent[0])
        pack = written(town, directory)
        assert pack.state is PackState.DONE
        assert "hx-trigger" not in text_of(audrey, page(town, "_packs"))
        assert pack.sha256 in text_of(audrey, page(town))
        answer = audrey.get(page(town, "_pack", pack.name))
        (directory / "fetched.zip").write_bytes(answer.getvalue())
        with zipfile.ZipFile(directory / "fetched.zip") as archive:
            assert {"manifest.json", "verify.pyz"} <= set(archive.namelist())
        assert LogEntry.objects.filter(change_message__contains=pack.name).exists()

    def test_a_pack_is_sent_in_blocks_by_an_asynchronous_server(
        self, town: Campaign, audrey: Client, directory: Path
    ) -> None:
        directory.mkdir(parents=True)
        name = f"{town.code}-20261101T000000Z.zip"
        whole = b"0123456789abcdef" * ((files.BLOCK_BYTES >> 4) + 4)
        (directory / name).write_bytes(whole)
        client = AsyncClient()
        client.cookies = audrey.cookies

        async def fetched() -> tuple[str, list[bytes]]:
            answer: Any = await client.get(page(town, "_pack", name))
            parts = answer.streaming_content
            return answer.headers["Content-Length"], [part async for part in parts]

        length, parts = async_to_sync(fetched)()
        assert (b"".join(parts), len(parts), int(length)) == (whole, 2, len(whole))

    def test_asking_again_while_one_is_under_way_asks_for_the_same(
        self, town: Campaign, audrey: Client, directory: Path, sent: list[tuple[int, str]]
    ) -> None:
        for _again in range(2):
            audrey.post(page(town))
        assert len(set(sent)) == 1
        tasks.write_pack(*sent[0])
        before = (directory / sent[0][1]).read_bytes()
        tasks.write_pack(*sent[1])
        assert (directory / sent[0][1]).read_bytes() == before

    def test_a_worker_that_died_leaves_a_pack_that_has_stopped(
        self, town: Campaign, audrey: Client, directory: Path, sent: list[tuple[int, str]]
    ) -> None:
        audrey.post(page(town))
        name = sent[0][1]
        progress = directory / f"{name}.progress"
        (directory / f"{name}.asked").rename(progress)
        progress.write_text('{"files": 3, "rows": 1200}')
        assert "1200 rows in 3 files" in text_of(audrey, page(town, "_packs")).replace(",", "")
        later = timezone.now() + packs.STOPPED_AFTER
        (pack,) = packs.packs_of(campaign=town, directory=directory, at=later)
        assert (pack.state, pack.rows) == (PackState.STOPPED, 1200)

    def test_the_oldest_packs_make_room(self, town: Campaign, directory: Path) -> None:
        by = User.objects.get(username="audrey")
        start = datetime(2026, 11, 1, tzinfo=UTC)
        asked = []
        for day in range(packs.KEPT + 1):
            at = start + timedelta(days=day)
            name = packs.ask_for_pack(campaign=town, directory=directory, by=by, at=at)
            asked.append(name)
            (directory / f"{name}.asked").unlink()
            (directory / name).write_bytes(b"0" * 64)
        last = packs.ask_for_pack(campaign=town, directory=directory, by=by, at=timezone.now())
        packs.write_pack(campaign_id=town.pk, name=last, directory=directory, at=timezone.now())
        kept = {it.name for it in packs.packs_of(campaign=town, directory=directory, at=start)}
        assert kept == {last, *asked[2:]}

    @pytest.mark.parametrize("name", ["secrets.env", "spring-2026-20261101T000000Z.zip"])
    def test_only_a_pack_of_the_campaign_is_fetched(
        self, town: Campaign, audrey: Client, directory: Path, name: str
    ) -> None:
        directory.mkdir(parents=True)
        (directory.parent / "secrets.env").write_text("secret")
        address = page(town, "_pack", "x").removesuffix("x") + name
        assert audrey.get(address).status_code == 404

    def test_without_a_role_nothing_is_asked_for_and_nothing_fetched(
        self, town: Campaign, directory: Path, sent: list[tuple[int, str]]
    ) -> None:
        nemo = signed_in(User.objects.create_user("nemo", is_staff=True))
        assert nemo.post(page(town)).status_code == 403
        for address in (page(town), page(town, "_packs"), page(town, "_pack", "x.zip")):
            assert nemo.get(address).status_code == 403
        assert nemo.get(page(town, "_question", "left_overs")).status_code == 403
        assert sent == []
        assert not directory.exists()
