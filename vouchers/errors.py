"""What every refusal code means: to HTTP, to a cashier in two languages, and who decided.

The one table. The handlers of both doors, the OpenAPI description and the README are made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from merchants.errors import Fact, Refusal
from vouchers.money import yuan

Audience = Literal["till", "manager"]
CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: HTTP status, whether the same request may succeed later, texts, who decided.

    Texts may name facts in braces; a fact `x_fen` is also there as `x` written in yuan.
    """

    code: str
    status: int
    en: str
    zh: str
    authority: str
    retryable: bool = False
    audience: Audience = "till"
    # The deciding rule and its facts stay in our books: they would tell whose a thing is.
    is_opaque: bool = False


_MEANINGS = (
    # The request itself
    Meaning(
        "malformed_request",
        400,
        "The request is not understood: {problem}",
        "请求格式有误：{problem}",
        "interface",
    ),
    Meaning(
        "idempotency_key_required",
        400,
        "Send an Idempotency-Key header of 1 to 255 printable characters.",
        "请在请求头中提供 Idempotency-Key（1–255 个可见字符）。",
        "interface",
    ),
    Meaning(
        "unauthenticated",
        401,
        "The key is missing, unknown, expired or revoked. Check the terminal's key.",
        "密钥缺失、无效、过期或已吊销，请检查终端密钥。",
        "interface",
    ),
    Meaning(
        "forbidden",
        403,
        "This key may not do that; it lacks the permission {scope}.",
        "该密钥无权执行此操作，缺少权限 {scope}。",
        "interface",
    ),
    Meaning("not_found", 404, "There is no such thing here.", "未找到。", "interface"),
    Meaning(
        "method_not_allowed",
        405,
        "This address does not take that method.",
        "该地址不支持此请求方法。",
        "interface",
    ),
    Meaning(
        "request_in_flight",
        409,
        "The same request is still being worked on. Ask again in a second.",
        "同一请求正在处理，请稍后重试。",
        "interface",
        retryable=True,
    ),
    Meaning(
        "idempotency_key_reused",
        422,
        "This Idempotency-Key was used for a different request. Use a new key for a new order.",
        "该 Idempotency-Key 已用于其他请求，新订单请使用新的键。",
        "interface",
    ),
    Meaning(
        "busy",
        503,
        "Too busy just now. Send the same request with the same key again.",
        "系统繁忙，请使用相同的键重试。",
        "system",
        retryable=True,
    ),
    # The voucher
    Meaning(
        "voucher_not_usable",
        404,
        "This voucher cannot be used by this customer. Ask them to open their own voucher again.",
        "此券不能由该顾客使用，请顾客重新出示本人的券。",
        "voucher",
        is_opaque=True,
    ),
    Meaning(
        "voucher_redeemed", 409, "This voucher has already been used.", "此券已核销。", "voucher"
    ),
    Meaning(
        "voucher_withdrawn", 409, "This voucher has been withdrawn.", "此券已被收回。", "voucher"
    ),
    Meaning(
        "voucher_not_yet_valid",
        409,
        "This voucher is valid from {valid_from_at}.",
        "此券自 {valid_from_at} 起可用。",
        "voucher",
        retryable=True,
    ),
    Meaning(
        "voucher_expired",
        409,
        "This voucher expired at {valid_until_at}.",
        "此券已于 {valid_until_at} 过期。",
        "voucher",
    ),
    Meaning(
        "resident_not_active",
        409,
        "The customer's account is blocked. They can ask the service hotline why.",
        "该居民账户已被冻结，可致电服务热线查询。",
        "city",
    ),
    # The campaign and the store
    Meaning(
        "campaign_not_running",
        409,
        "The campaign is not open at the moment.",
        "活动当前未开放。",
        "campaign",
        retryable=True,
    ),
    Meaning("store_not_found", 404, "There is no such store.", "未找到该门店。", "interface"),
    Meaning("store_closed", 409, "This store is suspended or closed.", "该门店已停用。", "city"),
    Meaning(
        "store_not_participating",
        422,
        "This store does not take part in the voucher's campaign.",
        "本门店未参加此券所属活动。",
        "campaign",
    ),
    # The order
    Meaning(
        "category_excluded",
        422,
        "Goods of the category {category} are excluded from this campaign.",
        "品类 {category} 不在本活动范围内。",
        "campaign",
    ),
    Meaning(
        "order_kind_excluded",
        422,
        "Orders of the kind {order_kind} are excluded from this campaign.",
        "{order_kind} 类订单不在本活动范围内。",
        "campaign",
    ),
    Meaning(
        "below_threshold",
        422,
        "The order is {missing} short of the {threshold} this voucher needs.",
        "订单未达 {threshold} 使用门槛，还差 {missing}。",
        "campaign",
    ),
    Meaning(
        "payable_too_small",
        422,
        "After the discount of {discount} at least ¥0.01 must be left to pay.",
        "减 {discount} 后应付金额须不少于 ¥0.01。",
        "campaign",
    ),
    Meaning(
        "order_already_used",
        409,
        "A voucher has already been used on the order {order_no}.",
        "订单 {order_no} 已使用过消费券。",
        "campaign",
    ),
    Meaning(
        "order_reversed",
        409,
        "The order {order_no} has been reversed. Use a new order number.",
        "订单 {order_no} 已冲正，请使用新的订单号。",
        "campaign",
    ),
    # Limits
    Meaning(
        "resident_limit",
        422,
        "The customer has reached the limit of {limit} per {window}.",
        "该居民已达每{window_zh}上限 {limit}。",
        "campaign",
    ),
    Meaning(
        "store_limit",
        429,
        "This store has reached the limit of {limit} per {window}. Try again from {next_at}.",
        "本门店已达每{window_zh}上限 {limit}，请于 {next_at} 后重试。",
        "campaign",
        retryable=True,
    ),
    Meaning(
        "merchant_limit",
        422,
        "This merchant has reached the limit of {limit} per {window}.",
        "本商户已达每{window_zh}上限 {limit}。",
        "campaign",
    ),
    # Undoing
    Meaning(
        "not_voidable",
        409,
        "This redemption can no longer be voided: {because}. Refund the order instead.",
        "该笔核销无法撤销（{because}），请改为退款。",
        "campaign",
    ),
    # Managers: setting up and running a campaign
    Meaning(
        "amount_invalid",
        422,
        "An amount must be a whole number of fen, zero or more.",
        "金额须为不小于零的整数（分）。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "figure_changed",
        409,
        "Somebody changed the figure meanwhile: it is {actual}, not {expected}. Look again.",
        "数值已被他人修改：现为 {actual}，而非 {expected}，请重新确认。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "not_free",
        422,
        "Only {free} is free; the rest is already promised or spent.",
        "可用余额仅 {free}，其余已承诺或已支出。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "request_id_reused",
        422,
        "The request no. {request_id} was used for something else.",
        "请求编号 {request_id} 已用于其他操作。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "cash_not_received",
        409,
        "The money for this payout has not arrived: {missing} is still missing.",
        "到账资金不足，尚缺 {missing}，暂不能拨付。",
        "ledger",
        retryable=True,
        audience="manager",
    ),
    Meaning(
        "day_not_begun",
        422,
        "The business day {business_day} has not begun; only a day of today or before is settled.",
        "账务日 {business_day} 尚未开始，只能结算今日及以前的账务日。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "not_permitted",
        403,
        "Your role does not permit this.",
        "您的角色无权执行此操作。",
        "city",
        audience="manager",
    ),
    Meaning(
        "campaign_state",
        409,
        "A campaign that is {state} does not allow this.",
        "活动当前状态（{state}）不允许此操作。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "campaign_over",
        409,
        "The campaign's end has passed ({ends_at}).",
        "活动已于 {ends_at} 结束。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "terms_invalid",
        422,
        "The terms are not sound yet ({rule}).",
        "活动条款尚有问题（{rule}）。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "approver_edited",
        403,
        "Whoever edited the terms cannot decide on them. Another person must.",
        "编辑过条款的人不能审批，请由他人审批。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "terms_not_as_seen",
        409,
        "These are no longer the terms you saw. Look at the newest version.",
        "条款已不是您所看到的版本，请查看最新版本。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "already_decided",
        409,
        "You have already decided on these terms.",
        "您已对该条款作出过决定。",
        "campaign",
        audience="manager",
    ),
    # Managers: handing out
    Meaning(
        "round_unknown",
        422,
        "This round belongs to another campaign.",
        "该轮次不属于本活动。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "source_not_appropriated",
        409,
        "A source that pays for a tier has appropriated nothing. Set its amount first.",
        "券种的出资方尚无批复额度，请先设置。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "quota_not_open",
        409,
        "A quota of this campaign has not been opened. Launch the campaign first.",
        "活动配额尚未开放，请先上线活动。",
        "campaign",
        audience="manager",
    ),
    Meaning(
        "quota_exhausted",
        409,
        "Nothing is left of the quota.",
        "配额已用完。",
        "campaign",
        audience="manager",
    ),
    # Managers: merchants, stores, keys and residents
    Meaning(
        "already_exists",
        409,
        "The number {number} is taken.",
        "编号 {number} 已存在。",
        "city",
        audience="manager",
    ),
    Meaning(
        "coordinates_invalid",
        422,
        "Longitude {longitude}, latitude {latitude} can't be the place meant.",
        "经度 {longitude}、纬度 {latitude} 不是有效位置。",
        "city",
        audience="manager",
    ),
    Meaning(
        "credential_incomplete",
        422,
        "A key needs scopes that exist, stores of its own merchants, a code for a channel and a "
        "terminal for a terminal.",
        "凭证须有有效权限、所属商户的门店；渠道须有渠道代码，终端须指定终端。",
        "city",
        audience="manager",
    ),
    Meaning(
        "resident_refused",
        422,
        "The resident can't be put on file: a number, place or identity is not acceptable.",
        "无法登记该居民：编号、位置或身份信息不符合要求。",
        "city",
        audience="manager",
    ),
    Meaning(
        "proxy_is_holder",
        422,
        "Nobody can be their own proxy.",
        "本人不能作为自己的代用人。",
        "city",
        audience="manager",
    ),
)

CATALOGUE: Mapping[str, Meaning] = {meaning.code: meaning for meaning in _MEANINGS}


class _Facts(dict[str, Fact]):
    """Facts for a text: `x_fen` also as `x` in yuan, a missing one as a dash."""

    def __missing__(self, name: str) -> str:
        amount_fen = self.get(f"{name}_fen")
        return yuan(amount_fen) if isinstance(amount_fen, int) else "–"


def explain(refusal: Refusal, language: str) -> str:
    """The refusal as a sentence, in `zh…` or else English."""
    meaning = CATALOGUE[refusal.code]
    text = meaning.zh if language.startswith("zh") else meaning.en
    return text.format_map(_Facts(refusal.facts))


def problem(refusal: Refusal) -> tuple[int, bytes]:
    """HTTP status and RFC 9457 body of a refusal; the same refusal always gives the same bytes."""
    meaning = CATALOGUE[refusal.code]
    body = {
        "type": f"urn:huimin:refusal:{meaning.code}",
        "title": explain(refusal, "en"),
        "title_zh": explain(refusal, "zh"),
        "status": meaning.status,
        "code": meaning.code,
        "retryable": meaning.retryable,
        "authority": meaning.authority,
        "rule": meaning.code if meaning.is_opaque else refusal.rule or meaning.code,
        "facts": {} if meaning.is_opaque else dict(refusal.facts),
    }
    return meaning.status, msgspec.json.encode(body)
