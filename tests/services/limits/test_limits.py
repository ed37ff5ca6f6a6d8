"""Limits on residents, links, stores and merchants, by day, week and campaign, redemption by
redemption."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from merchants.models import Store
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    decoded,
    issue_vouchers,
    order,
    redeem,
    refunded,
    till_of,
    voided,
)
from vouchers.models import (
    Attempt,
    Campaign,
    LimitCounter,
    Link,
    Proxy,
    Redemption,
    Resident,
    ResidentMerge,
    Voucher,
)
from vouchers.rules.limits.limits import BY_LINK, OF_CLAIMS, link_no
from vouchers.services.residents.identity import keyed_hash
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
FACE_FEN = 2_000


def seen_with(person: Resident, value: str, kind: Link.Kind = Link.Kind.DEVICE) -> Link:
    """A link of a resident: device, phone, card or account."""
    return Link.objects.create(
        resident=person,
        bucket=person.bucket,
        kind=kind,
        value_hmac=keyed_hash(kind, value.upper()),
        first_seen_at=NOON - DAY,
        last_seen_at=NOON - DAY,
    )


def device_no(value: str) -> int:
    return link_no(keyed_hash("device", value.upper()))


def used(kind: LimitKind) -> dict[int, tuple[int, int]]:
    """By subject what the counters of one kind say: redemptions and fen."""
    rows = LimitCounter.objects.filter(kind=kind, used_count__gt=0)
    return {row.subject_id: (row.used_count, row.used_fen) for row in rows}


def use(
    voucher: Voucher, person: Resident, *, store: Store | None = None, **fields: Any
) -> tuple[int, dict[str, Any]]:
    return answer_to(order(voucher, store or cast.nanjing_road(), person, **fields))


def uses(campaign: Campaign, people: Sequence[Resident], **fields: Any) -> list[str]:
    """Each person uses a voucher of their own, in turn: the rules on record as what refused, or
    "201"."""
    vouchers = issue_vouchers(campaign, people)
    return [
        "201" if use(v, person, **fields)[0] == 201 else Attempt.objects.latest("id").rule
        for v, person in zip(vouchers, people, strict=True)
    ]


class TestWindows:
    @pytest.mark.parametrize(
        "kind", sorted(set(LimitKind) - OF_CLAIMS), ids=lambda kind: kind.name.lower()
    )
    def test_a_limit_of_one_lets_one_through_and_refuses_the_next_by_its_name(
        self, kind: LimitKind
    ) -> None:
        campaign = cast.running_campaign(limits={kind: 1})
        assert uses(campaign, [cast.alice()] * 2, device="d") == ["201", kind.name.lower()]
        assert Redemption.objects.count() == LimitCounter.objects.get().used_count == 1

    @pytest.mark.parametrize(
        "kind",
        [kind for kind in sorted(set(LimitKind) - OF_CLAIMS) if kind.name.endswith("_WEEK")],
        ids=lambda kind: kind.name.lower(),
    )
    def test_a_week_ends_on_sunday_at_midnight_in_the_campaigns_zone(self, kind: LimitKind) -> None:
        campaign = cast.running_campaign(limits={kind: 1})
        # NOON is a Wednesday's; Monday begins in Shanghai at 16:00 UTC of Sunday.
        monday_at = NOON + timedelta(days=4, hours=12)
        alice, vouchers = cast.alice(), issue_vouchers(campaign, [cast.alice()] * 3)
        assert use(vouchers[0], alice, device="d")[0] == 201
        last_at = monday_at - timedelta(microseconds=1)
        assert use(vouchers[1], alice, device="d", at=last_at)[0] >= 400
        assert use(vouchers[2], alice, device="d", at=monday_at)[0] == 201

    def test_a_stores_refusal_says_when_it_opens_again(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.STORE_WEEK: 1})
        first, second = issue_vouchers(campaign, [cast.alice()] * 2)
        use(first, cast.alice())
        status, body = use(second, cast.alice())
        assert (status, body["code"]) == (429, "store_limit")
        assert body["facts"]["next_at"] == "2026-04-06"
        assert use(second, cast.alice(), store=cast.xujiahui())[0] == 201

    def test_a_merchants_stores_count_together(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.MERCHANT_WEEK: 1})
        first, second = issue_vouchers(campaign, [cast.alice()] * 2)
        assert use(first, cast.alice())[0] == 201
        status, body = use(second, cast.alice(), store=cast.xujiahui())
        assert (status, body["code"], body["rule"]) == (422, "merchant_limit", "merchant_week")


class TestLinks:
    def test_people_of_one_device_share_its_limit_and_learn_nothing_of_each_other(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 1})
        for person in (cast.alice(), cast.carol()):
            seen_with(person, "phone-7")
        first, second = issue_vouchers(campaign, [cast.alice(), cast.carol()])
        assert use(first, cast.alice())[0] == 201

        status, body = use(second, cast.carol())

        assert (status, body["code"], body["rule"]) == (422, "resident_limit", "resident_day")
        assert "link" not in str(body)
        assert Attempt.objects.get().rule == "link_day"
        assert body["facts"] == {"limit": "1", "window": "day", "next_at": "2026-04-02"}
        assert "alice" not in str(Attempt.objects.get().facts)
        assert used(LimitKind.LINK_DAY) == {device_no("phone-7"): (1, FACE_FEN)}

    def test_the_device_given_with_the_order_is_the_same_link(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 2})
        seen_with(cast.alice(), "phone-7")
        people = [cast.alice(), cast.carol(), cast.carol()]
        assert uses(campaign, people, device="phone-7") == ["201", "201", "link_day"]
        assert used(LimitKind.LINK_DAY) == {device_no("phone-7"): (2, 2 * FACE_FEN)}
        assert (
            list(Redemption.objects.values_list("links", flat=True)) == [[device_no("phone-7")]] * 2
        )

    @pytest.mark.parametrize("kind", Link.Kind)
    def test_every_kind_of_link_counts(self, kind: Link.Kind) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_CAMPAIGN: 1})
        for person in (cast.alice(), cast.carol()):
            seen_with(person, "13800138000", kind)
        assert uses(campaign, [cast.alice(), cast.carol()]) == ["201", "link_campaign"]

    def test_equal_numbers_of_different_kinds_have_nothing_in_common(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_CAMPAIGN: 1})
        seen_with(cast.alice(), "13800138000", Link.Kind.PHONE)
        seen_with(cast.carol(), "13800138000", Link.Kind.ACCOUNT)
        assert uses(campaign, [cast.alice(), cast.carol()]) == ["201", "201"]

    def test_a_link_that_has_ended_counts_no_more(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_CAMPAIGN: 1})
        for person in (cast.alice(), cast.carol()):
            seen_with(person, "phone-7")
        Link.objects.filter(resident=cast.carol()).update(ended_at=NOON - DAY)
        assert uses(campaign, [cast.alice(), cast.carol()]) == ["201", "201"]

    def test_a_volunteer_serves_five_elders_with_one_phone(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 1})
        volunteer = cast.resident("volunteer", home=None)
        seen_with(volunteer, "volunteers-phone")
        elders = [cast.resident(f"elder{number}") for number in range(5)]
        for elder in elders:
            Proxy.objects.create(holder=elder, proxy=volunteer, declared_at=NOON - DAY)
            seen_with(elder, f"card of {elder.external_id}", Link.Kind.CARD)
        vouchers = issue_vouchers(campaign, [*elders, elders[0]])
        answers = [use(voucher, volunteer, device="volunteers-phone") for voucher in vouchers]
        assert [status for status, _ in answers[:5]] == [201] * 5
        # An elder's own card counts, no matter who shows it.
        assert answers[5][1]["rule"] == "resident_day"
        assert Attempt.objects.get().rule == "link_day"
        assert len(used(LimitKind.LINK_DAY)) == 5

    def test_a_campaign_that_caps_no_links_notes_none(self) -> None:
        campaign = cast.running_campaign()
        seen_with(cast.alice(), "phone-7")
        assert uses(campaign, [cast.alice()], device="phone-7") == ["201"]
        assert Redemption.objects.get().links is None
        assert not LimitCounter.objects.filter(kind__in=BY_LINK).exists()

    def test_a_resident_without_any_link_is_bound_by_none(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 0})
        assert uses(campaign, [cast.alice()]) == ["201"]
        assert Redemption.objects.get().links == []

    def test_a_batch_counts_its_own_links(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 1})
        plain = cast.running_campaign(code="plain", limits={})
        counted = issue_vouchers(campaign, [cast.alice(), cast.carol()])
        other = issue_vouchers(plain, [cast.carol()])
        till = cast.nanjing_road()
        requests = [
            order(voucher, till, person, device="d")
            for voucher, person in zip(
                [counted[0], *other, counted[1]],
                [cast.alice(), cast.carol(), cast.carol()],
                strict=True,
            )
        ]
        assert [answer.status for answer in redeem(requests=requests)] == [201, 201, 422]
        assert used(LimitKind.LINK_DAY) == {device_no("d"): (1, FACE_FEN)}


@pytest.fixture(scope="module")
def limited_in_every_way(rows_of_module: None) -> Campaign:
    """Ten redemptions of every kind of limit, and Alice with two links."""
    draft = cast.spring_campaign(limits={})
    limits = [{"kind": kind, "limit_count": 10, "limit_fen": 10 * FACE_FEN} for kind in LimitKind]
    draft_rows.add_all("limits", limits, campaign=draft, by=cast.mei(), at=NOON - DAY)
    seen_with(cast.alice(), "phone-7")
    seen_with(cast.alice(), "13800138000", Link.Kind.PHONE)
    return cast.launched(draft)


class TestGivenBack:
    @pytest.fixture
    def campaign(self, limited_in_every_way: Campaign) -> Campaign:
        return Campaign.objects.get(pk=limited_in_every_way.pk)

    def totals(self) -> set[tuple[int, int]]:
        return set(LimitCounter.objects.values_list("used_count", "used_fen"))

    def test_a_void_gives_back_every_place_also_of_links_that_have_ended(
        self, campaign: Campaign
    ) -> None:
        assert uses(campaign, [cast.alice()], device="another") == ["201"]
        # Thirteen kinds; three of them for each of three links.
        assert LimitCounter.objects.count() == 10 + 3 * 3
        assert self.totals() == {(1, FACE_FEN)}
        Link.objects.update(ended_at=NOON)
        made = Redemption.objects.get()
        assert voided(made, caller=till_of(cast.nanjing_road())).status == 200
        assert self.totals() == {(0, 0)}

    def test_a_whole_refund_gives_back_every_place(self, campaign: Campaign) -> None:
        assert uses(campaign, [cast.alice()]) == ["201"]
        made = Redemption.objects.get()
        assert refunded(made, caller=till_of(cast.nanjing_road())).status in (200, 201)
        assert self.totals() == {(0, 0)}

    def test_a_partial_refund_gives_back_its_fen_and_keeps_the_place(
        self, campaign: Campaign
    ) -> None:
        assert uses(campaign, [cast.alice()], amount_fen=42_000) == ["201"]
        made = Redemption.objects.get()
        assert refunded(made, caller=till_of(cast.nanjing_road()), amount_fen=20_000).status < 300
        assert self.totals() == {(1, FACE_FEN // 2)}

    def test_an_authorisation_counts_and_a_capture_below_the_threshold_does_not(
        self, campaign: Campaign
    ) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        made = authorised(voucher, cast.nanjing_road(), cast.alice(), device="another")
        assert self.totals() == {(1, FACE_FEN)}
        answer = captured(made, caller=till_of(cast.nanjing_road()), amount_fen=9_999)
        assert decoded(answer)[1]["state"] == "voided"
        assert self.totals() == {(0, 0)}


class TestOnePerson:
    @staticmethod
    def merge(member: Resident, kept: Resident) -> ResidentMerge:
        return ResidentMerge.objects.create(
            kept=kept, member=member, reason="same passport", merged_by="mei", merged_at=NOON
        )

    @pytest.mark.parametrize(
        "kind",
        [LimitKind.RESIDENT_DAY, LimitKind.RESIDENT_WEEK, LimitKind.RESIDENT_CAMPAIGN],
        ids=lambda kind: kind.name.lower(),
    )
    def test_the_limit_counts_over_all_members_of_a_merge(self, kind: LimitKind) -> None:
        campaign = cast.running_campaign(limits={kind: 2})
        kept, member, other = (cast.resident(name) for name in ("kept", "member", "other"))
        self.merge(member, kept)
        self.merge(other, kept)
        assert uses(campaign, [member, kept, other, kept, member]) == [
            "201",
            "201",
            *[kind.name.lower()] * 3,
        ]
        # Each has counters of their own, so that undoing needs to know of no merge.
        assert used(kind) == {member.pk: (1, FACE_FEN), kept.pk: (1, FACE_FEN)}

    def test_what_was_used_before_the_merge_counts_and_undone_it_does_not(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_CAMPAIGN: 1})
        one, other = cast.resident("one"), cast.resident("other")
        assert uses(campaign, [one]) == ["201"]
        merge = self.merge(other, one)
        assert uses(campaign, [other]) == ["resident_campaign"]
        merge.undone_at, merge.undone_by = NOON, "li"
        merge.save()
        assert uses(campaign, [other]) == ["201"]

    def test_a_chain_of_merges_is_one_person(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1})
        a, b, c, d = (cast.resident(name) for name in "abcd")
        self.merge(a, b)
        self.merge(b, c)
        assert uses(campaign, [a, c, b, d]) == ["201", "resident_day", "resident_day", "201"]

    def test_a_void_of_one_member_makes_room_for_another(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1})
        one, other = cast.resident("one"), cast.resident("other")
        assert uses(campaign, [one]) == ["201"]
        self.merge(other, one)
        assert voided(Redemption.objects.get(), caller=till_of(cast.nanjing_road())).status == 200
        assert uses(campaign, [other]) == ["201"]
