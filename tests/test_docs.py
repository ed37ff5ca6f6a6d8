"""What the README says is what the code does."""

import re
from pathlib import Path

from vouchers.errors import CATALOGUE

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def refusal_table() -> str:
    """The README's table of the codes of the interface."""
    head = "| code | HTTP | again? | English | 中文 |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| `{m.code}` | {m.status} | {'yes' if m.retryable else 'no'} | {m.en} | {m.zh} |"
        for m in CATALOGUE.values()
        if m.audience != "manager"
    )


def test_every_refusal_code_is_in_the_readme() -> None:
    assert refusal_table() in README, f"the table should read:\n{refusal_table()}"


def test_a_cashier_has_at_most_thirty_codes_to_learn_and_an_integrator_forty() -> None:
    audiences = [meaning.audience for meaning in CATALOGUE.values()]
    assert audiences.count("till") <= 30
    assert len(audiences) - audiences.count("manager") <= 40


def test_every_test_named_in_the_readme_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", README)
    assert named
    for path, name in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"(def|class) {name}\b", text), f"{path}::{name}"


def test_every_variable_of_the_settings_is_in_the_readme() -> None:
    settings = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    assert {name for name in read if f"`{name}`" not in README} == set()
