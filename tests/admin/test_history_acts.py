"""Lines of the history in the reader's language, wherever a page shows them."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from merchants.models import Store
from tests.support import cast
from tests.support.callgraph import ROOT
from tests.support.cast import NOON
from tests.support.history import in_words
from vouchers.admin.history.acts import CHOICES
from vouchers.admin.history.page import History
from vouchers.models import Campaign, Link, Resident, Run
from vouchers.services import residents
from vouchers.services.audience.preview import preview
from vouchers.services.campaigns import lifecycle
from vouchers.services.history import note
from vouchers.services.hotline import FoundBy, look_up
from vouchers.services.issuing.control import pause_run
from vouchers.services.issuing.runs import request_run
from vouchers.services.roles import give_role

pytestmark = pytest.mark.django_db
MARKS = {"_", "gettext_noop"}
EDITS = "note_edit"
"""Keeps the parts of a draft that were edited, in a table of its own."""


def texts_of(source: str) -> Iterator[ast.expr]:
    """What a module gives as the text of a note, by keyword or in a variable."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") != EDITS:
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "what")
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.Assign) and any(ast.unparse(it) == "what" for it in targets):
            yield node.value


def is_marked(text: ast.expr) -> bool:
    """Whether it is a text marked for translation, or one that is handed on."""
    if isinstance(text, ast.IfExp):
        return is_marked(text.body) and is_marked(text.orelse)
    if isinstance(text, ast.Call):
        return ast.unparse(text.func) in MARKS
    return isinstance(text, ast.Name | ast.Subscript)


def test_every_note_of_a_service_is_a_text_marked_for_translation() -> None:
    """That it then has its Chinese, and the same facts in it, is asked in test_translations."""
    sources = {path: path.read_text("utf-8") for path in (ROOT / "vouchers").rglob("*.py")}
    writers = {path: text for path, text in sources.items() if "services.history import" in text}
    unmarked = {
        (str(path.relative_to(ROOT)), ast.unparse(text))
        for path, source in writers.items()
        for text in texts_of(source)
        if not is_marked(text)
    }
    assert len(writers) > 20
    assert unmarked == set()
    assert [is_marked(it) for it in texts_of('note(row, what=f"frozen: {x}"); what = "x"')] == [
        False,
        False,
    ]


def test_a_note_without_a_fact_that_it_names_is_not_written() -> None:
    with pytest.raises(KeyError, match="run"):
        note(cast.alice(), by=cast.ren(), what="explained for run %(run)s", at=NOON)
    assert not LogEntry.objects.exists()


def last_of(row: Model, language: str = "zh-hans") -> str:
    act = LogEntry.objects.filter(object_id=str(row.pk)).latest("id")
    return in_words(act, language)


def test_figures_areas_and_conditions_are_said_as_people_say_them() -> None:
    draft = cast.spring_campaign(code="draft")
    Campaign.objects.filter(pk=draft.pk).update(audience_filter={"age_min": 60})
    preview(campaign=Campaign.objects.get(pk=draft.pk), by=cast.mei(), at=NOON)
    words = "已预览人群：5,000 米以内，位置：居住地；年满 60 周岁；条款 "
    assert last_of(draft).startswith(words)
    campaign = cast.running_campaign()
    until_at = NOON + timedelta(hours=6)
    lifecycle.pause(campaign=campaign, why="漏洞", by=cast.mei(), at=NOON, until_at=until_at)
    assert last_of(campaign) == "状态变为已暂停，至 2026-04-01 18:00：漏洞"
    assert last_of(campaign, "en") == "Now paused until 2026-04-01 18:00: 漏洞"


@pytest.mark.parametrize(
    ("where", "area"), [(None, "全市"), ("黄浦区", "黄浦区")], ids=["city", "district"]
)
def test_a_role_is_called_as_its_list_calls_it(where: str | None, area: str) -> None:
    wu, root = User.objects.create_user("wu"), User.objects.create_superuser("root")
    give_role(
        user=wu,
        role=Group.objects.get(name="auditor"),
        where=cast.district() if where else None,
        from_at=NOON,
        until_at=None,
        why="duty",
        by=root,
        at=NOON,
    )
    assert last_of(wu) == f"已授予角色“审计”，范围：{area}"


def test_choices_of_the_services_have_words() -> None:
    for found_by in FoundBy:
        assert found_by.value in CHOICES["found_by"]
    alice = cast.alice()
    residents.link(resident=alice, kind=Link.Kind.DEVICE, value="d-1", by=cast.ren(), at=NOON)
    assert last_of(alice) == "登记关联标识：设备"


def test_what_no_service_writes_now_is_shown_as_it_is() -> None:
    alice, ren = cast.alice(), cast.ren()
    note(alice, by=ren, what="frozen", at=NOON, reason="x")
    act = LogEntry.objects.latest("id")
    for written, shown in {
        '[{"changed": {"fields": ["paused: a leak"]}}]': "Changed paused: a leak.",
        "by hand": "by hand",
        '[{"what": "on %(day)s", "facts": {}}]': '[{"what": "on %(day)s", "facts": {}}]',
        '[{"what": "thawed", "facts": {"reason": "x"}}]': "Thawed: x",
    }.items():
        act.change_message = written
        assert in_words(act) == shown


def history(client: Client, row: Model) -> str:
    meta = row._meta
    page = reverse(f"admin:{meta.app_label}_{meta.model_name}_history", args=[row.pk])
    answer = client.get(page, headers={"accept-language": "zh-hans"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_pages_of_residents_runs_and_people_have_it_in_chinese(root: Client) -> None:
    alice, ren = cast.alice(), cast.ren()
    residents.freeze(resident=alice, reason="同机", by=ren, at=NOON)
    assert "冻结：同机" in history(root, alice)
    campaign = cast.running_campaign()
    run = request_run(campaign=campaign, seed="s", by=cast.mei(), at=NOON)
    pause_run(run=run, reason="轮次有误", by=cast.mei(), at=NOON)
    assert "已暂停：轮次有误" in history(root, run)
    note(ren, by=ren, what="recovery codes renewed", at=NOON)
    assert "已更换恢复码" in history(root, ren)


def test_a_caller_without_a_voucher_is_noted_too() -> None:
    look_up(
        found_by=FoundBy.ORDER,
        number="zz-9",
        business_day=NOON.date(),
        reason="来电 17",
        by=cast.mei(),
        at=NOON,
    )
    assert in_words(LogEntry.objects.get(), "zh-hans") == "按订单号和日期查询：来电 17"


def test_every_page_of_what_services_note_is_this_one() -> None:
    for model in (User, Resident, Run, Campaign, Store):
        page: Any = admin.site._registry[model]
        assert isinstance(page, History), model
