"""Every lock class is declared once, in one order."""

from vouchers.models import locks
from vouchers.models.locks import LOCK_ORDER, LockClass, Means


def test_every_lock_class_has_its_place_in_the_order() -> None:
    declared = {value for value in vars(locks).values() if isinstance(value, LockClass)}
    assert declared == set(LOCK_ORDER)
    assert len({lock.name for lock in LOCK_ORDER}) == len(LOCK_ORDER)


def test_money_is_locked_in_the_order_of_the_design() -> None:
    names = [lock.name for lock in LOCK_ORDER]
    chain = ["request key", "order claim", "resident", "voucher", "limit counter", "quota bucket"]
    assert [name for name in names if name in chain] == chain


def test_two_part_keys_have_a_number_of_their_own() -> None:
    numbers = [lock.number for lock in LOCK_ORDER if lock.means is Means.NUMBER]
    assert len(set(numbers)) == len(numbers)
    assert all(numbers)
    assert not any(lock.number for lock in LOCK_ORDER if lock.means is not Means.NUMBER)


def test_keys_of_different_classes_and_parts_differ() -> None:
    keys = {lock.key(*parts) for lock in LOCK_ORDER for parts in ((1, "a"), (1, "b"), ("1", "a"))}
    assert len(keys) == 3 * len(LOCK_ORDER)
    assert all(-(2**63) <= key < 2**63 for key in keys)
