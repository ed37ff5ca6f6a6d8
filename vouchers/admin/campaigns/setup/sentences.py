"""Every choice of a draft restated as a sentence, from the document that approvers will read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from vouchers.admin.campaigns.slices import slice_text
from vouchers.admin.words import in_words, model_of
from vouchers.money import yuan
from vouchers.rules.campaigns.declaration import OPTIONS, PARTS

Document = Mapping[str, Any]
Words = Mapping[str, str]
PART: Final = {part.name: part for part in PARTS}
AREA_NAME: Final = {"within_district": "district", "within_street": "street"}
"""By the kind of a geofence the option that names its area."""


def sentences(document: Document) -> dict[str, list[str]]:
    """By the key of the set-up page's section, what its choices amount to."""
    words = _words(document["campaign"])
    return {key: list(say(document, words)) for key, say in _SAYINGS.items()}


def in_short(document: Document) -> list[str]:
    """One sentence a tier: who gets what, and how it may be used; and whether that is all."""
    words = _words(document["campaign"])
    stores = f"{len(_taking_part(document)):,}"
    often = "".join(_often(document))
    lines = [
        ngettext(
            "A resident with a place (%(places)s) within %(distance)s of any of %(stores)s stores"
            " gets %(count)d voucher “%(tier)s”, usable for %(validity)s%(often)s.",
            "A resident with a place (%(places)s) within %(distance)s of any of %(stores)s stores"
            " gets %(count)d vouchers “%(tier)s”, usable for %(validity)s%(often)s.",
            tier["per_resident"],
        )
        % {
            "places": words["point_kinds"],
            "distance": words["radius_m"],
            "stores": stores,
            "count": tier["per_resident"],
            "tier": tier["name"],
            "validity": words["validity_s"],
            "often": often,
        }
        for tier in document["tiers"]
    ]
    is_narrowed = bool(document["campaign"]["audience_filter"]) or any(
        row["kind"] in AREA_NAME for row in document["geofences"]
    )
    if lines and is_narrowed:
        lines.append(_("Only to those who meet the further conditions of the audience."))
    return lines


def _words(campaign: Mapping[str, Any]) -> Words:
    """Each option of the campaign as the review page writes it."""
    zone = ZoneInfo(campaign["zone"])
    return {
        name: in_words(option, campaign[name], zone)
        for name, option in OPTIONS.items()
        if name in campaign
    }


def _rows(document: Document, name: str) -> list[Words]:
    """The rows of a part as the review page writes them."""
    zone = ZoneInfo(document["campaign"]["zone"])
    part = PART[name]
    model = model_of(part)
    return [
        {option.name: in_words(option, row[option.name], zone, model) for option in part.options}
        for row in document[name]
    ]


def _taking_part(document: Document) -> list[Any]:
    return [row for row in document["stores"] if row["valid_until_at"] is None]


def _often(document: Document) -> Iterator[str]:
    """The limits that a resident feels."""
    counts = {row["kind"]: row["limit_count"] for row in document["limits"]}
    if (n := counts.get("resident_day")) is not None:
        yield ngettext(", once a day", ", %(n)d times a day", n) % {"n": n}
    if (n := counts.get("resident_week")) is not None:
        yield ngettext(", once a week", ", %(n)d times a week", n) % {"n": n}
    if (n := counts.get("resident_campaign")) is not None:
        yield ngettext(", %(n)d time in all", ", %(n)d times in all", n) % {"n": n}


def _basics(document: Document, words: Words) -> Iterator[str]:
    campaign = document["campaign"]
    yield _("The campaign is called “%(name)s” (%(code)s).") % words
    if campaign["organiser"]:
        yield _("It is organised by %(organiser)s.") % words
    if campaign["operator"]:
        yield _("It is run by %(operator)s.") % words
    yield (
        _(
            "It begins at %(starts_at)s and is over at %(ends_at)s (%(zone)s); money is in"
            " %(currency)s."
        )
        % words
    )
    yield (
        _("A voucher can be used for %(validity_s)s from its issue, never beyond the end.") % words
    )
    if campaign["is_test"]:
        yield _("It is a test campaign: only keys of the sandbox see it, and no money moves.")


def _money(document: Document, _words: Words) -> Iterator[str]:
    for row in document["sources"]:
        yield _("%(source)s pays for vouchers of %(amount)s at most.") % {
            "source": row["name"],
            "amount": yuan(row["appropriated_fen"]),
        }


def _tiers(document: Document, _words: Words) -> Iterator[str]:
    names = {row["code"]: row["name"] for row in document["sources"]}
    for row, words in zip(document["tiers"], _rows(document, "tiers"), strict=True):
        kind = "flat" if row["threshold_fen"] else "any"
        yield _(_KINDS[kind if row["kind"] == "flat" else row["kind"]]) % words
        shares = " + ".join(
            f"{names.get(code, code)} {yuan(fen)}" for code, fen in row["shares_fen"].items()
        )
        yield _("%(tier)s is paid by %(shares)s.") % {"tier": row["name"], "shares": shares}


def _rounds(document: Document, _words: Words) -> Iterator[str]:
    for words in _rows(document, "rounds"):
        yield _("Round %(number)s, from %(opens_at)s to %(closes_at)s: %(way)s.") % words
    if not document["rounds"]:
        yield _("There are no rounds: a distribution run hands out the whole budget.")


def _stores(document: Document, _words: Words) -> Iterator[str]:
    rows = _taking_part(document)
    yield _("%(stores)s stores of %(merchants)s merchants take part.") % {
        "stores": f"{len(rows):,}",
        "merchants": f"{len({row['merchant'] for row in rows}):,}",
    }
    own = sum(row["radius_m"] is not None for row in rows)
    if own:
        yield _("%(count)s of them have a radius of their own.") % {"count": f"{own:,}"}


def _audience(document: Document, words: Words) -> Iterator[str]:
    campaign = document["campaign"]
    yield (
        _("Residents are within reach when one of these places lies within %(radius_m)s of a store:"
          " %(point_kinds)s.")
        % words
    )  # fmt: skip
    yield _("Of them: %(audience_filter)s.") % words
    yield _("When there are fewer vouchers than residents: %(selection_method)s.") % words
    if campaign["need_weights"]:
        yield str(words["need_weights"])
    if campaign["senior_share_bp"]:
        yield _("%(senior_share_bp)s are guaranteed to residents of 60 and more.") % words
    if campaign["small_shop_share_bp"]:
        yield _("%(small_shop_share_bp)s are guaranteed to those nearest to small shops.") % words
    if campaign["hold_out_bp"]:
        yield _("%(hold_out_bp)s get nothing, as the control group.") % words
    for row in _rows(document, "rings"):
        yield _("Ring %(label)s reaches from %(from_m)s to %(to_m)s.") % row
    yield from _areas(document)


def _areas(document: Document) -> Iterator[str]:
    """What geofences add, and what they keep to: several of a kind are one choice."""
    named: dict[str, list[str]] = {}
    for row, words in zip(document["geofences"], _rows(document, "geofences"), strict=True):
        named.setdefault(row["kind"], []).append(words.get(AREA_NAME.get(row["kind"], ""), ""))
    if polygons := len(named.get("include_polygon", ())):
        yield ngettext(
            "Residents inside %(count)d polygon of the map are reached too.",
            "Residents inside %(count)d polygons of the map are reached too.",
            polygons,
        ) % {"count": polygons}
    if districts := named.get("within_district"):
        yield _("Only residents of these districts are reached: %(names)s.") % {
            "names": ", ".join(districts)
        }
    if streets := named.get("within_street"):
        yield _("Only places within these streets count: %(names)s.") % {
            "names": ", ".join(streets)
        }


def _limits(document: Document, _words: Words) -> Iterator[str]:
    for row, words in zip(document["limits"], _rows(document, "limits"), strict=True):
        if row["limit_count"] is not None:
            yield (
                ngettext(
                    "At most %(limit_count)s redemption %(kind)s.",
                    "At most %(limit_count)s redemptions %(kind)s.",
                    row["limit_count"],
                )
                % words
            )
        if row["limit_fen"] is not None:
            yield _("At most %(limit_fen)s of subsidy %(kind)s.") % words
    tiers = {row["code"]: row["name"] for row in document["tiers"]}
    sources = {row["code"]: row["name"] for row in document["sources"]}
    for row, words in zip(document["cells"], _rows(document, "cells"), strict=True):
        if row["slice"].keys() == {"source"}:
            continue
        on = slice_text(row["slice"], tiers=tiers, sources=sources)
        if row["cap_count"] is not None:
            yield _("At most %(count)s vouchers for %(slice)s.") % {
                "count": words["cap_count"],
                "slice": on,
            }
        if row["cap_fen"] is not None:
            yield _("At most %(amount)s for %(slice)s.") % {"amount": words["cap_fen"], "slice": on}


def _redemption(document: Document, words: Words) -> Iterator[str]:
    campaign = document["campaign"]
    if campaign["order_kinds"]:
        yield _("Vouchers are taken on these orders: %(order_kinds)s.") % words
    else:
        yield _("Vouchers are taken on orders of every kind.")
    if campaign["excluded_categories"]:
        yield _("Nothing is taken off goods of: %(excluded_categories)s.") % words
    if campaign["order_numbers"]:
        yield _("Every order names its %(order_numbers)s.") % words
    if campaign["presence_required"]:
        yield _(
            "A voucher has to be shown, on a telephone or on paper; its number alone is refused."
        )
    yield _("When the shopper gets money back: %(refund_policy)s.") % words
    yield _("An authorisation is captured within %(authorise_ttl_s)s or lapses.") % words
    if campaign["anchor_recipients"]:
        yield _("The journal's seals go to %(anchor_recipients)s every day.") % words


_KINDS: Final[Mapping[str, str]] = {
    "threshold": gettext_noop(
        "%(name)s takes %(face_fen)s off an order of %(threshold_fen)s or more"
        " (%(threshold_basis)s)."
    ),
    "flat": gettext_noop("%(name)s takes %(face_fen)s off an order of %(threshold_fen)s or more."),
    "any": gettext_noop("%(name)s takes %(face_fen)s off any order."),
    "percent": gettext_noop(
        "%(name)s takes %(percent_bp)s off an order of %(threshold_fen)s or more, at most"
        " %(face_fen)s (%(threshold_basis)s)."
    ),
}

_SAYINGS: Final[Mapping[str, Callable[[Document, Words], Iterator[str]]]] = {
    "basics": _basics,
    "money": _money,
    "tiers": _tiers,
    "rounds": _rounds,
    "stores": _stores,
    "audience": _audience,
    "limits": _limits,
    "redemption": _redemption,
}
