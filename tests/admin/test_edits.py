"""What others have edited of a draft is told in the reader's language."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from vouchers.admin.campaigns.setup.edits import told
from vouchers.models import CampaignEdit
from vouchers.services.campaigns import drafts

NOTED = {
    "campaign": "活动选项",
    "rings, limits": "圈层, 限额",
    "sources": "出资方",
    "tier off20": "修改券种 off20",
    "tier off20 deleted": "移除券种 off20",
    "source city": "修改出资方 city",
    "appropriation city": "出资方 city 的金额",
    "fit counts": "按预算调整券数量",
    "500 stores": "新增 500 家门店",
    "12 weekly rounds": "12 个每周轮次",
    "of a later version": "of a later version",
}


@pytest.mark.parametrize("what", NOTED)
def test_an_edit_is_told_in_words(what: str) -> None:
    edit = CampaignEdit(user=User(username="mei"), what=what, at=timezone.now())
    with translation.override("zh-hans"):
        (line,) = told([edit])
    assert (line.who, line.what) == ("mei", NOTED[what])


def test_every_note_of_an_edit_has_its_words() -> None:
    """The first words of what services note; parts go by the names of their rows."""
    services = Path(drafts.__file__).parent.glob("*.py")
    source = "".join(path.read_text() for path in services)
    noted = set(re.findall(r'note_edit\([^)]*?what=f?"([a-z{]+)', source))
    known = {what.split()[0].rstrip(",") for what in NOTED} | {"tiers", "{weeks"}
    assert {"campaign", "tier", "source"} <= noted <= known | {"{"}
