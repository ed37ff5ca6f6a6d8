"""Residents frozen, deceased, erased, linked, merged, excluded; points coarsened. All dated."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, IntegrityError, transaction

from merchants.errors import Refused
from merchants.geo import Datum
from tests.support import cast, till
from tests.support.registrations import contents
from vouchers.models import Exclusion, Link, Resident, ResidentMerge, ResidentPoint
from vouchers.models.campaigns.campaigns import Campaign
from vouchers.services import residents
from vouchers.services.audience.explain import explain
from vouchers.services.proofs import audit
from vouchers.services.residents.acts import Place
from vouchers.states import RESIDENT_ARROWS, LimitKind, ResidentState

pytestmark = pytest.mark.django_db

NOON = cast.NOON
LATER = NOON + timedelta(days=1)
ACTS: dict[str, tuple[Callable[..., None], ResidentState, dict[str, str]]] = {
    "freeze": (residents.freeze, ResidentState.FROZEN, {"reason": "r"}),
    "unfreeze": (residents.unfreeze, ResidentState.ACTIVE, {"reason": "r"}),
    "record_death": (residents.record_death, ResidentState.DECEASED, {"document_no": "D-1"}),
    "undo_death": (residents.undo_death, ResidentState.ACTIVE, {"reason": "r"}),
    "erase": (residents.erase, ResidentState.ERASED, {"reason": "r"}),
}
POSSIBLE = {
    ("active", "freeze"),
    ("active", "record_death"),
    ("active", "erase"),
    ("frozen", "unfreeze"),
    ("frozen", "record_death"),
    ("frozen", "erase"),
    ("deceased", "undo_death"),
    ("deceased", "erase"),
}


def in_state(state: ResidentState) -> Resident:
    """Alice, taken to a state the way the services take her."""
    alice = cast.alice()
    if state is not ResidentState.ACTIVE:
        Resident.objects.filter(pk=alice.pk).update(state=state.value)
        alice.refresh_from_db()
    return alice


@pytest.mark.parametrize("state", ResidentState)
@pytest.mark.parametrize("name", ACTS)
def test_every_act_in_every_state(state: ResidentState, name: str) -> None:
    act, target, arguments = ACTS[name]
    alice, before = in_state(state), contents()
    if (state.value, name) in POSSIBLE:
        act(resident=alice, by=cast.ren(), at=NOON, **arguments)
        alice.refresh_from_db()
        assert alice.state == target
        line = LogEntry.objects.get(object_id=str(alice.pk))
        assert (line.user.username, line.action_time) == ("ren", NOON)
        assert next(iter(arguments.values())) in line.change_message
        return
    with pytest.raises(Refused, match="resident_state"), transaction.atomic():
        act(resident=alice, by=cast.ren(), at=NOON, **arguments)
    assert contents() == before


@pytest.mark.parametrize("name", ACTS)
def test_who_lacks_the_permission_changes_nothing(name: str) -> None:
    act, _, arguments = ACTS[name]
    alice, before = cast.alice(), contents()
    with pytest.raises(Refused, match="not_permitted"), transaction.atomic():
        act(resident=alice, by=cast.mei(), at=NOON, **arguments)
    assert contents() == before


@pytest.mark.parametrize("origin", ResidentState)
@pytest.mark.parametrize("target", ResidentState)
def test_the_database_knows_the_same_arrows(origin: ResidentState, target: ResidentState) -> None:
    row = Resident.objects.filter(pk=cast.resident("zoe", state=origin).pk)
    if origin is target or (origin, target) in RESIDENT_ARROWS:
        assert row.update(state=target.value) == 1
        return
    with pytest.raises(DatabaseError, match="Cannot update rows"), transaction.atomic():
        row.update(state=target.value)


def test_a_frozen_residents_voucher_is_refused_until_released() -> None:
    campaign, alice, mall = cast.running_campaign(), cast.alice(), cast.nanjing_road()
    (voucher,) = till.issue_vouchers(campaign, [alice])
    residents.freeze(resident=alice, reason="tip-off", by=cast.ren(), at=NOON)
    assert till.refusal_of(till.order(voucher, mall, alice)) == "resident_not_active"
    residents.unfreeze(resident=alice, reason="nothing found", by=cast.ren(), at=NOON)
    assert till.answer_to(till.order(voucher, mall, alice, key="again"))[0] == 201


class TestErasure:
    @pytest.fixture
    def eve(self) -> Resident:
        """Eve is on file with everything that can be known."""
        cast.district()
        eve = residents.register_resident(
            external_id="eve",
            points={"home": Place(121.48, 31.23, Datum.WGS_84)},
            birth_year=1950,
            district=cast.district(),
            street="南京东路",
            is_registered=True,
            need_score=5,
            tags=3,
            consent_targeting="v1",
            national_id="11010519491231002X",
            phone="13800138000",
            keep_originals=True,
            at=NOON,
        )
        residents.link(resident=eve, kind=Link.Kind.DEVICE, value="phone-1", by=cast.ren(), at=NOON)
        residents.declare_proxy(holder=eve, proxy=cast.bob(), relation="son", at=NOON)
        return eve

    def test_it_leaves_the_number_and_the_identity_hash(self, eve: Resident) -> None:
        identity = bytes(Resident.objects.get(pk=eve.pk).identity_hmac or b"")
        residents.erase(resident=eve, reason="asked for", by=cast.ren(), at=LATER)
        eve.refresh_from_db()
        assert bytes(eve.identity_hmac or b"") == identity
        left = {
            field.name: getattr(eve, field.attname)
            for field in Resident._meta.concrete_fields
            if field.name not in {"id", "changed_xid", "identity_hmac", "created_at", "bucket"}
        }
        assert left == {
            "external_id": "eve",
            "state": "erased",
            "phone_hmac": None,
            "identity_cipher": None,
            "phone_cipher": None,
            "data_key": None,
            "birth_year": None,
            "district": None,
            "street": "",
            "is_registered": None,
            "has_residence_permit": None,
            "guardian": None,
            "need_score": 0,
            "tags": 0,
        }
        assert not eve.points.exists()
        assert not eve.links.exists()
        assert [one.withdrawn_at for one in eve.consents.all()] == [LATER]
        assert [one.ended_at for one in eve.proxies.all()] == [LATER]

    def test_the_same_person_is_not_put_on_file_again(self, eve: Resident) -> None:
        residents.erase(resident=eve, reason="asked for", by=cast.ren(), at=LATER)
        with pytest.raises(Refused) as refused:
            residents.register_resident(
                external_id="eve-2", national_id="11010519491231002X", at=LATER
            )
        assert refused.value.refusal.rule == "identity_taken"

    def test_the_books_stay_proven(self) -> None:
        campaign, alice = cast.running_campaign(), cast.alice()
        till.issue_vouchers(campaign, [alice])
        residents.erase(resident=alice, reason="asked for", by=cast.ren(), at=NOON)
        assert audit.audit(at=LATER, seed=1).is_proven


class TestMerge:
    def merged(self, member: Resident, kept: Resident) -> ResidentMerge:
        return residents.merge(
            member=member, kept=kept, reason="same id card", by=cast.ren(), at=NOON
        )

    def test_limits_count_over_both_until_it_is_undone(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1})
        alice, carol, mall = cast.alice(), cast.carol(), cast.nanjing_road()
        (hers,) = till.issue_vouchers(campaign, [alice])
        (his,) = till.issue_vouchers(campaign, [carol])
        assert till.answer_to(till.order(hers, mall, alice))[0] == 201
        merge = self.merged(carol, alice)
        assert till.refusal_of(till.order(his, mall, carol)) == "resident_limit"
        residents.undo_merge(merge=merge, by=cast.ren(), at=NOON)
        assert till.answer_to(till.order(his, mall, carol, key="again"))[0] == 201

    def test_what_is_merged_already_is_refused_whichever_way_round(self) -> None:
        alice, bob, carol = cast.alice(), cast.bob(), cast.carol()
        self.merged(alice, bob)
        self.merged(bob, carol)
        for member, kept in ((alice, bob), (bob, alice), (alice, carol), (carol, alice)):
            with pytest.raises(Refused, match="already_merged"), transaction.atomic():
                self.merged(member, kept)
        with pytest.raises(Refused, match="merge_with_self"):
            self.merged(alice, alice)
        assert ResidentMerge.objects.count() == 2

    def test_nobody_of_the_city_is_merged_with_a_resident_of_the_sandbox(self) -> None:
        for member, kept in ((cast.alice(), cast.ada()), (cast.ada(), cast.alice())):
            with pytest.raises(Refused, match="not_found"):
                self.merged(member, kept)
        assert not ResidentMerge.objects.exists()

    def test_a_merge_can_be_undone_only_once(self) -> None:
        merge = self.merged(cast.alice(), cast.bob())
        residents.undo_merge(merge=merge, by=cast.ren(), at=LATER)
        assert (merge.undone_by, merge.undone_at) == ("ren", LATER)
        with pytest.raises(Refused, match="not_merged"):
            residents.undo_merge(merge=merge, by=cast.ren(), at=LATER)


class TestExclusion:
    def reasons(self, campaign: Campaign, resident: Resident) -> str | None:
        return explain(campaign=campaign, resident=resident, at=NOON).reason

    @pytest.mark.parametrize("is_general", [True, False])
    def test_it_keeps_a_resident_out_until_it_is_lifted(self, is_general: bool) -> None:
        campaign, alice = cast.running_campaign(), cast.alice()
        assert self.reasons(campaign, alice) is None
        exclusion = residents.exclude(
            resident=alice,
            campaign=None if is_general else campaign,
            reason="works for the organiser",
            by=cast.ren(),
            at=NOON,
        )
        assert self.reasons(campaign, alice) == "excluded"
        residents.lift_exclusion(exclusion=exclusion, by=cast.ren(), at=NOON)
        assert self.reasons(campaign, alice) is None
        with pytest.raises(Refused, match="not_excluded"):
            residents.lift_exclusion(exclusion=exclusion, by=cast.ren(), at=LATER)

    def test_it_stands_once_and_the_database_says_so(self) -> None:
        alice, ren = cast.alice(), cast.ren()
        residents.exclude(resident=alice, campaign=None, reason="r", by=ren, at=NOON)
        with pytest.raises(Refused, match="already_excluded"), transaction.atomic():
            residents.exclude(resident=alice, campaign=None, reason="r", by=ren, at=NOON)
        with pytest.raises(IntegrityError, match="one_live_exclusion"), transaction.atomic():
            Exclusion.objects.create(resident=alice, reason="r", created_by="x", created_at=NOON)


class TestLink:
    def test_it_is_seen_again_and_ends(self) -> None:
        alice, ren, device = cast.alice(), cast.ren(), Link.Kind.DEVICE
        link = residents.link(resident=alice, kind=device, value="d-1", by=ren, at=NOON)
        again = residents.link(resident=alice, kind=device, value="D-1", by=ren, at=LATER)
        assert again.pk == link.pk
        assert (again.first_seen_at, again.last_seen_at) == (NOON, LATER)
        assert residents.end_link(link=again, by=ren, at=LATER)
        assert not residents.end_link(link=again, by=ren, at=LATER)
        anew = residents.link(resident=alice, kind=device, value="d-1", by=ren, at=LATER)
        assert anew.ended_at is None

    @pytest.mark.parametrize(
        ("kind", "value"),
        [(Link.Kind.DEVICE, " "), (Link.Kind.DEVICE, "d-1 "), (Link.Kind.PHONE, "no number")],
    )
    def test_what_cannot_be_a_link_is_refused(self, kind: Link.Kind, value: str) -> None:
        with pytest.raises(Refused, match="link_invalid"):
            residents.link(resident=cast.alice(), kind=kind, value=value, by=cast.ren(), at=NOON)
        assert not Link.objects.exists()


class TestCoarsening:
    def point(self, kind: str, *, days: int, superseded: int | None = None) -> ResidentPoint:
        """A point observed, and perhaps superseded, so many days before noon."""
        alice = cast.resident(f"{kind}-{days}-{superseded}", home=None)
        return ResidentPoint.objects.create(
            resident=alice,
            bucket=alice.bucket,
            kind=kind,
            longitude_deg=121.473724,
            latitude_deg=31.230445,
            datum="GCJ-02",
            raw_longitude=121.478236,
            raw_latitude=31.228478,
            observed_at=NOON - timedelta(days=days),
            superseded_at=None if superseded is None else NOON - timedelta(days=superseded),
        )

    @pytest.mark.parametrize(
        ("kind", "days", "superseded", "is_coarse"),
        [
            ("home", 400, None, False),
            ("home", 400, 89, False),
            ("home", 400, 90, True),
            ("recent", 89, None, False),
            ("recent", 90, None, True),
            ("work", 400, None, False),
        ],
    )
    def test_a_point_stays_exact_as_long_as_it_is_needed(
        self, kind: str, days: int, superseded: int | None, is_coarse: bool
    ) -> None:
        point = self.point(kind, days=days, superseded=superseded)
        assert residents.coarsen_points(at=NOON) == is_coarse
        point.refresh_from_db()
        place = (point.longitude_deg, point.latitude_deg)
        raw = (point.raw_longitude, point.raw_latitude)
        if is_coarse:
            assert (place, raw) == ((121.47, 31.23), (121.48, 31.23))
            assert point.coarsened_at == NOON
        else:
            assert (place, raw) == ((121.473724, 31.230445), (121.478236, 31.228478))
        assert residents.coarsen_points(at=NOON) == 0

    @pytest.mark.parametrize(("days", "count"), [(89, 0), (90, 1)])
    def test_consent_withdrawn_ninety_days_ago_ends_the_need(self, days: int, count: int) -> None:
        point = self.point("home", days=400)
        withdrawn_at = NOON - timedelta(days=days)
        point.resident.consents.update(
            granted_at=withdrawn_at - timedelta(days=1), withdrawn_at=withdrawn_at
        )
        assert residents.coarsen_points(at=NOON) == count
