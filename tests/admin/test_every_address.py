"""Every address of the admin, taken from its own list: whom it lets in.

A page that is added is tried without being named here. One that is meant to be open to more people
than those of a role has to be added to the lists below.
"""

from http import HTTPStatus
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory

from merchants.models import Credential, District, Street
from tests.support import cast
from tests.support.addresses import Address, shows, takes_a_form
from tests.support.doors import Doors
from vouchers.models import Campaign
from vouchers.queries.roles import SHOWN
from vouchers.services.roles import ROLES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closed_doors_are_not_logged")]

OPEN_TO_VISITORS = {"login", "jsi18n"}
"""Pages without a session: what they show is nothing but how to sign in."""
OPEN_TO_STAFF = OPEN_TO_VISITORS | {
    "autocomplete",
    "index",
    "password_change",
    "password_change_done",
    "search",
    "second_factor",
    "second_factor_set_up",
}
"""Pages of one's own account, and those that show what one's roles permit."""
SIGNS_OUT = {"logout", "password_change"}
CLOSED = {HTTPStatus.FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}


def entered(person: Client | Doors, addresses: list[Address], closed_to: set[str]) -> list[str]:
    """What answers a person otherwise than with a closed door, by either method."""
    found = []
    for address in addresses:
        if address.name in closed_to | SIGNS_OUT:
            continue
        for call in (person.get, person.post):
            status = call(address.path).status_code
            if status not in CLOSED:
                found.append(f"{call.__name__} {address.path} ({address.name}): {status}")
    return found


def test_the_list_is_that_of_the_admin(town: Campaign, addresses: list[Address]) -> None:
    names = {address.name for address in addresses}
    models = {f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry}
    assert {f"{model}_changelist" for model in models} <= names
    assert names >= OPEN_TO_STAFF


def test_a_visitor_is_led_to_the_sign_in_everywhere(
    town: Campaign, addresses: list[Address]
) -> None:
    """With all of the middleware in front."""
    assert entered(Client(), addresses, OPEN_TO_VISITORS) == []


def test_staff_without_a_role_enter_their_own_pages_alone(
    town: Campaign, addresses: list[Address]
) -> None:
    nemo = User.objects.create_user("nemo", is_staff=True)
    assert entered(Doors(nemo), addresses, OPEN_TO_STAFF) == []


def test_users_with_a_role_but_without_staff_status_are_visitors(
    town: Campaign, addresses: list[Address]
) -> None:
    person = cast.member("mei-2", "manager")
    person.is_staff = False
    person.save()
    assert entered(Doors(person), addresses, OPEN_TO_VISITORS) == []


def test_a_password_alone_opens_nothing_where_the_second_factor_is_required(
    town: Campaign, addresses: list[Address], settings: Any
) -> None:
    settings.HUIMIN_SECOND_FACTOR_ROLES = frozenset({"manager"})
    assert entered(Doors(cast.member("mei-2", "manager")), addresses, OPEN_TO_VISITORS) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_a_models_pages_only_with_a_permission_for_it(
    town: Campaign, addresses: list[Address], role: str
) -> None:
    person = cast.member(f"member-{role.replace(' ', '-')}", role)
    doors = Doors(person)
    for address in addresses:
        if address.model is not None and _is_closed_to(person, address, address.model):
            assert doors.get(address.path).status_code in CLOSED, address


def _is_closed_to(person: User, address: Address, model: type[Model]) -> bool:
    """What is open is opened by `test_pages`, list by list and page by page."""
    label, name = model._meta.app_label, model._meta.model_name
    if not person.has_perm(f"{label}.view_{name}"):
        return True
    return address.name.endswith("_add") and not person.has_perm(f"{label}.add_{name}")


# Areas: a role given for a district or a street

OWN_PAGES: dict[str, HTTPStatus] = {
    "vouchers_backtest_ask": HTTPStatus.FORBIDDEN,
    "vouchers_campaign_presets": HTTPStatus.FORBIDDEN,
    "vouchers_case_rules": HTTPStatus.FORBIDDEN,
    "vouchers_proposal_inbox": HTTPStatus.FORBIDDEN,
    "vouchers_voucher_hotline": HTTPStatus.OK,
    "vouchers_wrongcodes_counted": HTTPStatus.FORBIDDEN,
}
"""Pages about no row of their own: what a role for an area is answered."""
STOPS = {
    f"merchants_{model}_{act}"
    for model in ("merchant", "store", "terminal")
    for act in ("suspend", "lift")
}
ACTS: dict[str, set[str]] = {
    "manager": STOPS | {"vouchers_exclusion_end", "vouchers_resident_keep_out"},
    "approver": set(),
    "auditor": set(),
    "operator": STOPS
    | {
        "merchants_merchant_change",
        "merchants_store_add_terminal",
        "merchants_store_change",
        "merchants_store_make_code",
        "merchants_store_move",
        "vouchers_paper_replace",
    },
    "risk officer": STOPS
    | {
        "vouchers_exclusion_end",
        "vouchers_hold_call_back",
        "vouchers_hold_release",
        "vouchers_link_end",
        "vouchers_paper_replace",
        "vouchers_proxy_end",
        "vouchers_redemption_hold",
        "vouchers_resident_declare_proxy",
        "vouchers_resident_erase",
        "vouchers_resident_freeze",
        "vouchers_resident_give_consent",
        "vouchers_resident_keep_out",
        "vouchers_resident_link",
        "vouchers_resident_merge",
        "vouchers_resident_record_death",
        "vouchers_resident_undo_death",
        "vouchers_resident_unfreeze",
        "vouchers_resident_withdraw_consent",
        "vouchers_residentmerge_end",
    },
}
"""Everything that a role may do in its area. Nothing else, however it is asked for."""
LOOKS = {
    "vouchers_campaign_changes",
    "vouchers_campaign_launch_list",
    "vouchers_campaign_map",
    "vouchers_campaign_map_data",
    "vouchers_resident_explain",
}
"""Pages of a row that every role may open where it sees the row."""
LIST_ACTS = ("_issue", "_give", "_add_one")
"""Acts about no row: they are the city's."""
OF_DJANGO = ("_password_change",)
READ = ("_change", "_history", "_map", "_map_data")
WRITTEN = ("_change", "_delete")
"""Pages of a row that are shown to more people than may send their form."""


HUANGPU, BUND, SQUARE = 310101, 310101002, 310101015


def of_an_area(name: str, *roles: str, where: District | Street) -> Doors:
    """A person with roles in one district or street and nowhere else."""
    user = User.objects.create_user(name, is_staff=True)
    return Doors(cast.grant(user, *roles, where=where))


@pytest.fixture(params=[HUANGPU, BUND], ids=["district", "street"])
def here(town: Campaign, request: pytest.FixtureRequest) -> District | Street:
    """The district, and the street of it, in which everything lies that the town is made of."""
    kept = Street if request.param == BUND else District
    return kept.objects.get(pk=request.param)


@pytest.fixture(params=["district", "street"])
def elsewhere(town: Campaign, request: pytest.FixtureRequest) -> District | Street:
    """A district where nothing lies, and a street where nothing lies of the town's district."""
    if request.param == "district":
        return cast.district(310115, "浦东新区")
    away = [(121.6, 31.2), (121.61, 31.2), (121.61, 31.21), (121.6, 31.2)]
    return cast.street(away, code=SQUARE, name="人民广场")


@pytest.fixture
def stranger(elsewhere: District | Street) -> Doors:
    """A person with every role, where nothing lies."""
    return of_an_area("wai", *ROLES, where=elsewhere)


def words_of(campaign: Campaign) -> list[bytes]:
    """What a person without the area must nowhere read."""
    sources = campaign.sources.values_list("name", flat=True)
    return [
        word.encode()
        for word in (campaign.name, campaign.code, "nanjing_road", "汇联", "alice", *sources)
    ]


def test_the_page_of_a_row_elsewhere_is_absent_and_no_other_page_names_it(
    town: Campaign, addresses: list[Address], stranger: Doors, elsewhere: District | Street
) -> None:
    """Permissions only add up, so who has every role has what any of them has."""
    hidden, opened = words_of(town), []
    for address in addresses:
        if address.name in SIGNS_OUT or _is_around(address, elsewhere):
            continue
        call = (
            stranger.post if address.is_of_row and not address.name.endswith(READ) else stranger.get
        )
        answer = call(address.path)
        if address.is_of_row and answer.status_code not in _absent(address):
            opened.append(f"{address.name}: {answer.status_code}")
        if any(word in answer.content for word in hidden):
            opened.append(f"{address.name} names what lies elsewhere")
    assert opened == []


def _is_around(address: Address, where: District | Street) -> bool:
    """Whether it is of the district that a street lies in, which the street's people may read."""
    return isinstance(where, Street) and address.model is District and address.is_of_row


def _absent(address: Address) -> set[HTTPStatus]:
    """Users and Django's groups are shown to no role; all else is not found."""
    is_ours = address.model is None or address.model._meta.app_label != "auth"
    return {HTTPStatus.NOT_FOUND} if is_ours else CLOSED


def test_lists_of_elsewhere_are_empty(
    town: Campaign, stranger: Doors, elsewhere: District | Street
) -> None:
    request = RequestFactory().get("/")
    request.user = stranger.user
    own = {elsewhere, elsewhere.district} if isinstance(elsewhere, Street) else {elsewhere}
    for model, page in admin.site._registry.items():
        shown = set(page.get_queryset(request))
        assert shown == {row for row in own if isinstance(row, model)}, model


def test_every_page_about_no_row_has_a_rule(
    town: Campaign, addresses: list[Address], stranger: Doors
) -> None:
    found = {
        address.name: stranger.get(address.path).status_code
        for address in addresses
        if address.model is not None and not address.is_of_row
        if not address.name.endswith(("_changelist", "_add", *LIST_ACTS))
    }
    assert found == OWN_PAGES


@pytest.mark.parametrize("role", ROLES)
def test_a_role_in_an_area_does_there_what_is_named_and_nothing_else(
    addresses: list[Address], here: District | Street, role: str
) -> None:
    doors = of_an_area("nei", role, where=here)
    found = {
        address.name
        for address in addresses
        if address.model is not None and address.is_of_row
        if not address.name.endswith(("_history", *OF_DJANGO))
        if (takes_a_form if address.name.endswith(WRITTEN) else shows)(doors, address)
    }
    assert found == ACTS[role] | LOOKS


def test_an_area_sees_the_rows_that_lie_there(
    addresses: list[Address], here: District | Street
) -> None:
    doors = of_an_area("nei", "auditor", where=here)
    for address in addresses:
        # The credential of the town is a merchant's, which lies in no district.
        if address.model is not None and address.name.endswith("_change"):
            is_open = doors.get(address.path).status_code == HTTPStatus.OK
            assert is_open == (address.model in SHOWN.keys() - {Credential}), address
