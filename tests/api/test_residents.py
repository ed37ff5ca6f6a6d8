"""A channel registers residents and reads their vouchers; it can't read another resident's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support import cast
from tests.support.channel import channel, refusal
from tests.support.http_till import open_campaign
from tests.support.till import code_of, issue_vouchers
from vouchers.models import Consent, Proxy, Resident, ResidentPoint
from vouchers.queries.residents import WALLET_PAGE

pytestmark = pytest.mark.django_db

HOME = {"longitude": 121.4737, "latitude": 31.2304, "datum": "WGS-84"}
ZHANG = "11010519491231002X"


class TestRegistration:
    def test_a_resident_is_put_on_file_once_and_then_brought_up_to_date(self) -> None:
        app = channel()
        first = app.put(
            "/residents/zhang",
            {
                "birth_year": 1949,
                "district": cast.district().adcode,
                "points": {"home": HOME},
                "consent_targeting": "2026-01",
                "national_id": ZHANG,
                "tags": [0, 5],
            },
        )
        assert (first.status_code, first.json()) == (
            200,
            {
                "resident": "zhang",
                "state": "active",
                "places": ["home"],
                "consents": ["targeting"],
                "is_identified": True,
            },
        )
        second = app.put("/residents/zhang", {"birth_year": 1949})
        assert second.json() == first.json()
        (found,) = Resident.objects.filter(external_id="zhang")
        assert (found.birth_year, found.district, found.tags) == (1949, None, 0)
        assert ResidentPoint.objects.filter(resident=found, kind="home").count() == 1

    def test_the_same_registration_again_changes_nothing(self) -> None:
        app, body = channel(), {"points": {"home": HOME}, "consent_targeting": "2026-01"}
        app.put("/residents/zhang", body)
        before = list(Resident.objects.values())
        assert app.put("/residents/zhang", body).status_code == 200
        assert list(Resident.objects.values()) == before

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (
                {"national_id": "110105194912310021"},
                (422, "resident_refused", "national_id_invalid"),
            ),
            ({"phone": "12"}, (422, "resident_refused", "phone_invalid")),
            ({"points": {"home": {**HOME, "latitude": 91}}}, (422, "resident_refused", "")),
            ({"points": {"school": HOME}}, (400, "malformed_request", "")),
            ({"points": {"home": {**HOME, "datum": "WGS84"}}}, (400, "malformed_request", "")),
            (
                {"points": {"home": {"longitude": 1.0, "latitude": 2.0}}},
                (400, "malformed_request", ""),
            ),
            ({"district": 999_999}, (400, "malformed_request", "")),
            ({"birth_year": "1949"}, (400, "malformed_request", "")),
            ({"birth_year": 49}, (400, "malformed_request", "")),
            ({"tags": [63]}, (400, "malformed_request", "")),
            ({"street": "a\x00b"}, (400, "malformed_request", "")),
            ([], (400, "malformed_request", "")),
            (b"{", (400, "malformed_request", "")),
            (b"", (400, "malformed_request", "")),
        ],
    )
    def test_what_is_not_acceptable_is_refused_and_leaves_nothing(
        self, body: object, expected: tuple[int, str, str]
    ) -> None:
        status, code, rule = refusal(channel().put("/residents/zhang", body))
        assert (status, code) == expected[:2]
        assert not expected[2] or rule == expected[2]
        assert not Resident.objects.exists()

    def test_one_identity_is_one_resident(self) -> None:
        app = channel()
        app.put("/residents/zhang", {"national_id": ZHANG})
        again = refusal(app.put("/residents/zhang-2", {"national_id": ZHANG.lower()}))
        assert again == (422, "resident_refused", "identity_taken")

    @pytest.mark.parametrize("number", ["a%00b", "%20zhang", "张", "z" * 65])
    def test_what_can_be_no_number_is_malformed(self, number: str) -> None:
        assert refusal(channel().put(f"/residents/{number}", {}))[:2] == (400, "malformed_request")
        assert refusal(channel().get(f"/residents/{number}/vouchers"))[0] == 400

    def test_the_sandbox_and_the_city_never_write_each_others_residents(self) -> None:
        live, sandbox = channel(), channel(is_test=True)
        assert refusal(sandbox.put("/residents/zhang", {}))[:2] == (400, "malformed_request")
        assert refusal(live.put("/residents/test-zhang", {}))[:2] == (400, "malformed_request")
        assert sandbox.put("/residents/test-zhang", {}).status_code == 200

    def test_a_key_without_the_scope_does_nothing(self) -> None:
        app = channel(scopes=("claim",))
        assert refusal(app.put("/residents/zhang", {}))[:2] == (403, "forbidden")
        assert refusal(app.get("/residents/zhang/vouchers"))[:2] == (403, "forbidden")


class TestPlacesConsentsAndProxies:
    def test_a_resident_moves_and_the_old_place_stays_dated(self) -> None:
        alice = cast.alice()
        moved = channel().put("/residents/alice/points/home", HOME)
        assert moved.status_code == 204
        places = ResidentPoint.objects.filter(resident=alice, kind="home")
        assert places.count() == 2
        assert places.get(superseded_at=None).raw_longitude == HOME["longitude"]

    def test_coordinates_that_can_be_no_place_are_refused(self) -> None:
        cast.alice()
        answer = channel().put("/residents/alice/points/home", {**HOME, "longitude": 200.5})
        assert refusal(answer)[:2] == (422, "coordinates_invalid")

    def test_consent_is_withdrawn_and_given_again(self) -> None:
        alice, app = cast.alice(), channel()
        live = Consent.objects.filter(resident=alice, withdrawn_at=None)
        path = "/residents/alice/consents/targeting"
        assert app.send("DELETE", path).status_code == 204
        assert not live.exists()
        assert app.put(path, {"text_version": "2026-01"}).status_code == 204
        assert live.count() == 1

    def test_a_proxy_is_declared_once_and_ended(self) -> None:
        alice, bob, app = cast.alice(), cast.bob(), channel()
        for _ in range(2):
            declared = app.put("/residents/alice/proxies/bob", {"relation": "son"})
            assert declared.status_code == 204
        assert Proxy.objects.get().relation == "son"
        for _ in range(2):
            assert app.send("DELETE", "/residents/alice/proxies/bob").status_code == 204
        assert not Proxy.objects.filter(holder=alice, proxy=bob, ended_at=None).exists()

    def test_a_proxy_is_another_known_resident(self) -> None:
        cast.alice()
        app = channel()
        own = refusal(app.put("/residents/alice/proxies/alice", {}))
        assert own[:2] == (422, "proxy_is_holder")
        unknown = refusal(app.put("/residents/alice/proxies/nobody", {}))
        assert unknown == (404, "not_found", "resident_unknown")

    def test_a_kind_that_does_not_exist_has_no_address(self) -> None:
        cast.alice()
        answer = channel().put("/residents/alice/points/school", HOME)
        assert refusal(answer)[:2] == (404, "address_unknown")


class TestWallet:
    def test_a_resident_reads_their_own_vouchers_and_no_other_persons(self) -> None:
        campaign = open_campaign(timezone.now())
        yesterday = timezone.now() - timedelta(days=1)
        mine, _ = issue_vouchers(campaign, [cast.alice(), cast.bob()], at=yesterday)
        (held,) = channel().get("/residents/alice/vouchers").json()
        assert held["code"] == code_of(mine)
        assert (held["state"], held["face_fen"], held["threshold_fen"]) == ("issued", 2_000, 10_000)
        assert (held["campaign"], held["tier"]) == ("spring-2026", "off20")

    def test_a_proxys_wallet_has_only_what_they_hold_themselves(self) -> None:
        campaign = open_campaign(timezone.now())
        issue_vouchers(campaign, [cast.alice()], at=timezone.now() - timedelta(days=1))
        app = channel()
        cast.bob()
        app.put("/residents/alice/proxies/bob", {"relation": "volunteer"})
        assert app.get("/residents/bob/vouchers").json() == []

    def test_live_keys_see_live_campaigns_and_test_keys_the_sandbox(self) -> None:
        campaign = open_campaign(timezone.now(), is_test=True)
        cast.alice()
        issue_vouchers(campaign, [cast.ada()], at=timezone.now() - timedelta(days=1))
        assert channel().get("/residents/alice/vouchers").json() == []
        assert len(channel(is_test=True).get("/residents/test-ada/vouchers").json()) == 1

    def test_a_resident_of_the_other_world_is_as_if_absent(self) -> None:
        cast.alice(), cast.ada()
        answers = [
            channel(is_test=True).get("/residents/alice/vouchers"),
            channel().get("/residents/test-ada/vouchers"),
        ]
        assert {refusal(answer) for answer in answers} == {(404, "not_found", "resident_unknown")}

    def test_a_wallet_comes_in_pages_by_the_last_code(self) -> None:
        campaign = open_campaign(timezone.now())
        yesterday = timezone.now() - timedelta(days=1)
        alice, count = cast.alice(), WALLET_PAGE + 1
        mine = issue_vouchers(campaign, [alice] * count, at=yesterday)
        app = channel()
        first = app.get("/residents/alice/vouchers").json()
        assert len(first) == WALLET_PAGE
        last = app.get(f"/residents/alice/vouchers?after={first[-1]['code']}").json()
        newest = sorted(mine, key=lambda voucher: -voucher.pk)
        assert [held["code"] for held in [*first, *last]] == list(map(code_of, newest))
        assert app.get(f"/residents/alice/vouchers?after={last[-1]['code']}").json() == []

    def test_what_is_no_voucher_ends_no_page(self) -> None:
        cast.alice()
        answer = channel().get("/residents/alice/vouchers?after=12345")
        assert refusal(answer)[:2] == (400, "malformed_request")

    def test_an_unknown_resident_is_not_found(self) -> None:
        answer = refusal(channel().get("/residents/nobody/vouchers"))
        assert answer == (404, "not_found", "resident_unknown")
