"""Two chains number their stores alike: a number is looked up among the caller's own merchants."""

import csv
import io
import json
import zipfile
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from django.core.management import call_command

from merchants.auth import Caller
from merchants.errors import Refusal
from merchants.models import Store
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.till import (
    answer_to,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    refunded,
    reversed_,
    till_of,
)
from vouchers.http.answers import render
from vouchers.models import Attempt, Campaign, OrderClaim, Redemption, RequestRecord
from vouchers.models.campaigns.facts import StoreRow
from vouchers.queries.redemption import redemptions_of
from vouchers.services.campaigns.amendments import approve_amendment, propose_amendment
from vouchers.services.proofs.pack import export_pack
from vouchers.services.proofs.seals import seal_whole
from vouchers.services.redemption import redeem
from vouchers.services.redemption.stores import resolve
from vouchers.services.settlement.days import settle_day
from vouchers.states import RedemptionState
from vouchers.verify.__main__ import main as verify

pytestmark = pytest.mark.django_db


def first_of_huilian() -> Store:
    return cast.store("A001", of=cast.huilian())


def first_of_rival() -> Store:
    return cast.store("A001", of=cast.rival())


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Both chains' stores of the number take part."""
    return cast.running_campaign(stores=(first_of_huilian(), first_of_rival()), per_resident=9)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def spelt(store: Store, number: str) -> Store:
    """The store, its number written in another way."""
    return Store(pk=store.pk, merchant=store.merchant, external_id=number)


def integrator(*stores: Store) -> Caller:
    """A caller that acts for both merchants, in all of their stores or in those given."""
    return Caller(
        credential_id=77,
        kind="integrator",
        scopes=frozenset({"redeem"}),
        merchant_ids=frozenset({cast.huilian().pk, cast.rival().pk}),
        store_ids=frozenset(store.pk for store in stores) or None,
        terminal_code="",
        channel_code="",
        is_test=False,
    )


def test_each_chain_redeems_in_its_own_store(campaign: Campaign) -> None:
    """In one batch, with one order number: two stores, two orders."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)
    stores = (first_of_huilian(), first_of_rival())
    sent = [
        order(
            voucher,
            store,
            cast.alice(),
            order_no="1",
            caller=till_of(store, credential_id=number),
        )
        for number, (voucher, store) in enumerate(zip(vouchers, stores, strict=True), 1)
    ]
    answers = [decoded(answer) for answer in redeem(requests=sent, render=render)]
    assert [(status, body["merchant"], body["store"]) for status, body in answers] == [
        (201, "huilian", "A001"),
        (201, "rival", "A001"),
    ]
    assert set(OrderClaim.objects.values_list("store_id", "order_no")) == {
        (store.pk, "1") for store in stores
    }
    own = redemptions_of(till_of(stores[1]), order_no="1")
    assert [found.merchant.code for found in own] == ["rival"]
    assert_proven()


def test_an_integrator_names_the_merchant(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    ask = partial(order, voucher, first_of_rival(), cast.alice(), caller=integrator(), key="once")
    with nothing_moves():
        status, body = answer_to(ask())
    assert (status, body["code"], body["rule"]) == (400, "malformed_request", "store_ambiguous")
    assert body["facts"] == {"field": "$.merchant", "store": "A001"}
    assert body["title"] == "Several of your merchants have a store A001; name the merchant."
    assert "A001" in body["title_zh"]
    assert not Attempt.objects.exists()
    assert not RequestRecord.objects.exists()
    status, body = answer_to(ask(merchant="Rival"))
    assert (status, body["merchant"]) == (201, "rival")
    assert Redemption.objects.get().store == first_of_rival()


def test_an_integrator_of_one_of_the_stores_need_not(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    caller = integrator(first_of_rival())
    status, body = answer_to(order(voucher, first_of_rival(), cast.alice(), caller=caller))
    assert (status, body["merchant"]) == (201, "rival")


@pytest.mark.parametrize(
    ("store_no", "merchant"),
    [("A001", "rival"), ("A001", "no"), ("B001", ""), ("C001", ""), ("unknown", "")],
)
def test_a_foreign_store_is_as_one_that_is_not_there(
    campaign: Campaign, store_no: str, merchant: str
) -> None:
    """B001 is the merchant's, but not the terminal's; C001 is another merchant's alone."""
    cast.store("B001", of=cast.huilian()), cast.store("C001", of=cast.rival())
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    with nothing_moves():
        sent = order(voucher, spelt(first_of_huilian(), store_no), cast.alice(), merchant=merchant)
        status, body = answer_to(sent)
    assert (status, body["code"], body["rule"]) == (404, "store_not_found", "store_not_found")
    assert body["facts"] == {}
    assert Attempt.objects.get().facts.get("merchant", "") == merchant


def test_a_store_is_one_in_any_case(campaign: Campaign) -> None:
    """Two spellings of the store make one order, and answers say the number on file."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)
    sent = [
        order(voucher, spelt(first_of_huilian(), number), cast.alice(), order_no="1")
        for voucher, number in zip(vouchers, ("a001", "A001"), strict=True)
    ]
    (status, body), (again, refused) = (
        decoded(answer) for answer in redeem(requests=sent, render=render)
    )
    assert (status, body["store"]) == (201, "A001")
    assert (again, refused["code"]) == (409, "order_already_used")
    store = spelt(first_of_huilian(), "a001")
    status, body = decoded(reversed_(store, "1", caller=till_of(store)))
    assert (status, body["store"], body["id"]) == (200, "A001", Redemption.objects.get().pk)


def test_an_integrator_reverses_the_order_of_the_merchant_it_names(campaign: Campaign) -> None:
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)
    for voucher, store in zip(vouchers, (first_of_huilian(), first_of_rival()), strict=True):
        assert answer_to(order(voucher, store, cast.alice(), order_no="1"))[0] == 201
    with nothing_moves():
        answer = reversed_(first_of_rival(), "1", caller=integrator(), key="back")
        assert decoded(answer)[1]["rule"] == "store_ambiguous"
        answer = reversed_(first_of_rival(), "1", caller=integrator(), key="no", merchant="x")
        assert decoded(answer)[1]["code"] == "store_not_found"
    answer = reversed_(first_of_rival(), "1", caller=integrator(), key="back", merchant="rival")
    status, body = decoded(answer)
    assert (status, body["merchant"]) == (200, "rival")
    states = dict(Redemption.objects.values_list("merchant__code", "state"))
    assert states == {"huilian": RedemptionState.CAPTURED, "rival": RedemptionState.REVERSED}


def test_a_refund_is_at_a_store_of_the_redemptions_merchant(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    assert answer_to(order(voucher, first_of_rival(), cast.alice()))[0] == 201
    redemption = Redemption.objects.get()
    with nothing_moves():
        answer = refunded(redemption, caller=integrator(), merchant="huilian")
        assert decoded(answer)[1]["code"] == "store_not_found"
    assert refunded(redemption, caller=integrator(), amount_fen=1).status == 200
    assert refunded(redemption, caller=integrator(), amount_fen=1, merchant="RIVAL").status == 200
    assert set(redemption.refunds.values_list("store", flat=True)) == {first_of_rival().pk}


def test_only_a_merchants_own_number_joins_by_an_amendment() -> None:
    campaign = cast.running_campaign(stores=(first_of_huilian(),))
    first_of_rival(), cast.store("B001", of=cast.huilian()), cast.store("B001", of=cast.rival())
    joining = [first_of_rival(), cast.store("B001", of=cast.huilian())]
    terms = propose_amendment(campaign=campaign, stores=joining, by=cast.mei(), at=NOON)
    approve_amendment(terms=terms, by=cast.li(), seen_sha256=bytes(terms.sha256), at=NOON)
    stores = campaign.participations.values_list("store__merchant__code", "store__external_id")
    assert set(stores) == {("huilian", "A001"), ("rival", "A001"), ("huilian", "B001")}
    assert_proven()


def test_papers_name_the_merchant_beside_the_store(campaign: Campaign, tmp_path: Path) -> None:
    """Settlement files, the sample for a visit, and the auditor's pack, which verifies."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)
    for voucher, store in zip(vouchers, (first_of_huilian(), first_of_rival()), strict=True):
        assert answer_to(order(voucher, store, cast.alice(), order_no="1"))[0] == 201
    made = settle_day(campaign=campaign, business_day=date(2026, 4, 1), at=NOON + DAY)
    lines = [
        (line["merchant"], line["store"], line["order_no"])
        for settlement in made
        for line in csv.DictReader(io.StringIO(bytes(settlement.content).decode()))
    ]
    both = [("huilian", "A001"), ("rival", "A001")]
    assert sorted(lines) == [(*named, "1") for named in both]
    sample = io.StringIO()
    call_command("sample_redemptions", campaign.code, seed="x", stdout=sample, stderr=sample)
    drawn = csv.DictReader(io.StringIO(sample.getvalue()))
    found = {(row["merchant__code"], row["store__external_id"]) for row in drawn}
    assert set(both) <= found
    seal_whole(campaign=campaign, at=NOON + DAY)
    pack = tmp_path / "pack.zip"
    export_pack(campaign=campaign, path=pack, at=NOON + DAY)
    with zipfile.ZipFile(pack) as archive:
        merchants, stores = (
            [json.loads(line)["row"] for line in archive.read(name).splitlines()]
            for name in ("merchants.jsonl", "stores.jsonl")
        )
    codes = {row["id"]: row["code"] for row in merchants}
    assert sorted((codes[row["merchant"]], row["store_no"]) for row in stores) == both
    said = io.StringIO()
    assert verify([str(pack)], said) == 0, said.getvalue()


def row(id_: int, number: str, merchant: str) -> StoreRow:
    return StoreRow(id_, number, {"huilian": 1, "rival": 2}[merchant], merchant, True, "")


def test_a_number_is_resolved_among_the_callers_own() -> None:
    """The rule alone: whatever other stores are offered, only the caller's count."""
    caller = Caller(
        credential_id=1,
        kind="merchant",
        scopes=frozenset(),
        merchant_ids=frozenset({1}),
        store_ids=None,
        terminal_code="",
        channel_code="",
        is_test=False,
    )
    offered = [row(1, "A1", "huilian"), row(2, "A1", "rival"), row(3, "A2", "huilian")]
    assert resolve(offered, caller=caller, store_no="a1", merchant="") == offered[0]
    assert resolve(offered, caller=caller, store_no="A1", merchant="HUILIAN") == offered[0]
    for number, merchant in (("A1", "rival"), ("A3", ""), ("A1", "huilian ")):
        found = resolve(offered, caller=caller, store_no=number, merchant=merchant)
        assert found == Refusal("store_not_found")
