"""A client of the calls of a channel app: residents, what they can claim, and what they show.

Numbers of residents are the channel's own, without a slash. It needs httpx and `huimin`.
"""

from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import quote

from docs.client.huimin import Connection, Json, filled, read

PlaceKind = Literal["home", "work", "recent"]
Purpose = Literal["targeting", "contact"]


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees in a datum: WGS-84, GCJ-02 or BD-09."""

    longitude: float
    latitude: float
    datum: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier that can be claimed, as it stands for one resident now. A claim repeats `tier`."""

    tier: str
    name: str
    campaign: str
    round: int
    face_fen: int
    threshold_fen: int
    opens_at: str
    closes_at: str
    state: str
    needs_position: bool
    left_for_resident: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A voucher that has been claimed, by its printed code."""

    claim: int
    voucher: str
    campaign: str
    tier: str
    round: int
    face_fen: int
    threshold_fen: int
    valid_from_at: str
    valid_until_at: str
    claimed_at: str


@dataclass(frozen=True, slots=True)
class HeldVoucher:
    """A voucher in a resident's wallet, by its printed code."""

    code: str
    state: str
    campaign: str
    campaign_name: str
    tier: str
    tier_name: str
    kind: str
    face_fen: int
    threshold_fen: int
    threshold_basis: str
    percent_bp: int | None
    valid_from_at: str
    valid_until_at: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code to be shown at a till: as digits in groups, as QR and as Code 128."""

    voucher: str
    code: str
    digits: str
    qr_svg: str
    code128_svg: str


@dataclass(frozen=True, slots=True)
class Presented(Code):
    """A code that is good once, until it ends."""

    expires_at: str


@dataclass(frozen=True, slots=True)
class Paper(Code):
    """A paper's code; `has_replaced`: an earlier paper is void now."""

    valid_until_at: str
    has_replaced: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What is on file of a resident, without what is personal."""

    resident: str
    state: str
    places: list[str]
    consents: list[str]
    is_identified: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a campaign reaches a resident, or why not, with a sentence for them."""

    resident: str
    campaign: str
    targeted: bool
    reason: str | None
    conditions: list[str]
    point: str | None
    store: Json | None
    distance_m: float | None
    outside_m: float | None
    ring: str | None
    because: str
    because_zh: str
    asked_at: str


class Channel(Connection):
    """The calls of a channel app. Every one raises Refused and OutcomeUnknown."""

    def offers(self, resident: str) -> list[Offer]:
        """What a resident can claim now or soon."""
        return [read(Offer, body) for body in self._get("/offers", {"resident": resident})]

    def claim(
        self,
        resident: str,
        tier: str,
        *,
        at: Place | None = None,
        device: str = "",
        proxy: str = "",
        key: str,
    ) -> Claimed:
        """Claim a voucher. Under one key it is claimed once, however often it is sent."""
        place = {} if at is None else asdict(at)
        made_on = {name: given for name, given in (("device", device), ("proxy", proxy)) if given}
        body = {"resident": resident, "tier": tier, **place, **made_on}
        return read(Claimed, self._act("POST", "/claims", body, key))

    def present(self, voucher: str, *, resident: str) -> Presented:
        """Have a voucher shown by its holder or a proxy; every call makes another code."""
        body = {"resident": resident}
        return read(Presented, self._act("POST", f"/vouchers/{voucher}/present", body))

    def issue_paper(self, voucher: str, *, resident: str, national_id: str) -> Paper:
        """Print a voucher for its holder; a paper made before is void from now on."""
        body = {"resident": resident, "national_id": national_id}
        return read(Paper, self._act("POST", f"/vouchers/{voucher}/paper", body))

    def register(
        self,
        resident: str,
        *,
        birth_year: int | None = None,
        district: int | None = None,
        street: str = "",
        is_registered: bool | None = None,
        has_residence_permit: bool | None = None,
        need_score: int = 0,
        tags: list[int] | None = None,
        points: dict[PlaceKind, Place] | None = None,
        consent_targeting: str = "",
        national_id: str = "",
        phone: str = "",
    ) -> Standing:
        """Put a resident on file or bring them up to date. What is left out is unknown from now on,
        but for places, consent, identity and phone, which stay as they are."""
        body = {
            "birth_year": birth_year,
            "district": district,
            "street": street,
            "is_registered": is_registered,
            "has_residence_permit": has_residence_permit,
            "need_score": need_score,
            "tags": tags,
            "points": {kind: asdict(place) for kind, place in (points or {}).items()},
            "consent_targeting": consent_targeting,
            "national_id": national_id,
            "phone": phone,
        }
        return read(Standing, self._act("PUT", _address(resident), filled(body)))

    def move(self, resident: str, kind: PlaceKind, to: Place) -> None:
        """Say where a resident lives, works or was seen last."""
        self._act("PUT", f"{_address(resident)}/points/{kind}", asdict(to))

    def agree(self, resident: str, purpose: Purpose, *, text_version: str) -> None:
        """Record that a resident agrees to this version of the text."""
        body = {"text_version": text_version}
        self._act("PUT", f"{_address(resident)}/consents/{purpose}", body)

    def withdraw(self, resident: str, purpose: Purpose) -> None:
        """Record that a resident agrees no longer."""
        self._act("DELETE", f"{_address(resident)}/consents/{purpose}")

    def declare_proxy(self, resident: str, proxy: str, *, relation: str = "") -> None:
        """Let a relative or volunteer hold and show this resident's vouchers."""
        self._act("PUT", _proxy(resident, proxy), {"relation": relation})

    def end_proxy(self, resident: str, proxy: str) -> None:
        """End a declaration."""
        self._act("DELETE", _proxy(resident, proxy))

    def wallet(self, resident: str, *, after: str = "") -> list[HeldVoucher]:
        """What a resident holds, newest first, 200 at most; then those `after` the last code."""
        page = self._get(f"{_address(resident)}/vouchers", {"after": after})
        return [read(HeldVoucher, body) for body in page]

    def explain(self, resident: str, *, campaign: str) -> Explanation:
        """Why a campaign reaches a resident, or why not."""
        said = self._get(f"{_address(resident)}/explain", {"campaign": campaign})
        return read(Explanation, said)


def _address(resident: str) -> str:
    return f"/residents/{quote(resident, safe='')}"


def _proxy(resident: str, proxy: str) -> str:
    return f"{_address(resident)}/proxies/{quote(proxy, safe='')}"
