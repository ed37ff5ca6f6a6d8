"""Refusals that a cashier can meet: at most thirty, one meaning each, texts to be said aloud."""

from typing import Final

from vouchers.errors.meaning import Meaning, Wording

VERBS = (
    ("capture", "captured", "确认核销"),
    ("void", "voided", "撤销"),
    ("reverse", "reversed", "冲正"),
    ("refund", "refunded", "退款"),
)
UNDOING = VERBS[1:3]

REDEMPTION_STATE = {
    **{
        f"{verb}_state": Wording(
            f"This redemption can't be {done}: it is already {{state}}.",
            f"该笔核销已{{state}}，不能{zh}。",
        )
        for verb, done, zh in VERBS
    },
    **{
        f"{verb}_refunded": Wording(
            f"This redemption can't be {done}: money has been refunded on it.",
            f"该笔核销已有退款，不能{zh}。",
        )
        for verb, done, zh in UNDOING
    },
    **{
        f"{verb}_settled": Wording(
            f"This redemption can't be {done}: it is already settled. Use a refund.",
            f"该笔核销已结算，不能{zh}，请走退款。",
        )
        for verb, done, zh in UNDOING
    },
    **{
        f"{verb}_cut_off": Wording(
            f"This redemption can't be {done}: its day, {{business_day}}, is over. Use a refund.",
            f"该笔核销的账务日 {{business_day}} 已过，不能{zh}，请走退款。",
        )
        for verb, done, zh in UNDOING
    },
    "capture_expired": Wording(
        "The authorisation ended on {ended_at}. Use the voucher again on the order.",
        "预核销已于 {ended_at} 失效，请重新用券。",
    ),
    "refund_whole_only": Wording(
        "In this campaign only the whole order can be refunded.", "本活动仅支持整单退款。"
    ),
    "refund_no_used": Wording(
        "The refund number {refund_no} was used before. Use a new one.",
        "退款单号 {refund_no} 已使用，请换新的单号。",
    ),
}
"""What a redemption does not allow, by rule."""


CLAIMED_ALL = Wording(
    "The resident has claimed the {limit} that one person may have in this round.",
    "本轮每人限领 {limit}，已领满。",
)


AS_RESIDENTS: Final = {
    f"link_{window}": f"resident_{window}" for window in ("day", "week", "campaign")
}
"""That a device or phone is shared is the business of none who reads the answer."""


def _limit(subject: str, en: str, zh: str, *, status: int) -> Meaning:
    """The code of a limit on `subject`; the one on a whole campaign is never open again."""
    over = Wording(
        f"{en} has reached the limit of {{limit}} for the whole campaign.",
        f"{zh}在本活动中已达上限 {{limit}}，不能再用券。",
    )
    return Meaning(
        f"{subject}_limit",
        status,
        f"{en} has reached the limit of {{limit}} per {{window}}. Open again from {{next_at}}.",
        f"{zh}已达每{{window}}上限 {{limit}}，{{next_at}} 起可再用。",
        "campaign",
        retryable=True,
        by_rule={"resident_campaign": over, "link_campaign": over, "resident_round": CLAIMED_ALL}
        if subject == "resident"
        else {f"{subject}_campaign": over},
        answered_as=AS_RESIDENTS if subject == "resident" else {},
    )


TILL = (
    # The connection
    Meaning(
        "unauthenticated",
        401,
        "This till is not signed in: its key is missing, unknown, expired or revoked.",
        "本收银机未通过验证：密钥缺失、无效、过期或已吊销。",
        "interface",
        by_rule={
            "terminal_suspended": Wording(
                "This till is suspended. Use another till of the store.",
                "本收银机已停用，请在本店其他收银机办理。",
            )
        },
    ),
    Meaning(
        "not_found",
        404,
        "No redemption with this number is found. Check the number on the receipt.",
        "未找到该笔核销，请核对小票上的核销编号。",
        "interface",
        by_rule={
            "settlement_unknown": Wording(
                "No settlement with this number is found.", "未找到此编号的结算单。"
            ),
            "offer_unknown": Wording(
                "There is no such voucher to claim. Ask for the list of offers again.",
                "没有可领取的此类消费券，请刷新列表。",
            ),
            "campaign_unknown": Wording(
                "No campaign that has been launched has this code.",
                "没有使用该代码且已启动的活动。",
            ),
            "resident_unknown": Wording(
                "No resident has this number. Register the resident first.",
                "未找到该居民，请先登记。",
            ),
        },
    ),
    Meaning(
        "request_in_flight",
        409,
        "This order is still being worked on. Ask again in a second.",
        "该订单正在处理，请稍后再试。",
        "interface",
        retryable=True,
    ),
    Meaning(
        "busy",
        503,
        "The system is busy just now. Try the same order again in a moment.",
        "系统繁忙，请稍后用同一订单重试。",
        "system",
        retryable=True,
        by_rule={
            "outcome_unknown": Wording(
                "It is not known whether this order was written. Send it again with the same key.",
                "无法确认该订单是否已入账，请用同一幂等键重新发送。",
                retryable=True,
            )
        },
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
        "presence_required",
        422,
        "This voucher has to be shown in the customer's app: ask for the code that is good for a"
        " minute, or for the paper.",
        "此券须本人出示：请顾客在应用中打开一分钟有效的动态码，或出示纸质券。",
        "campaign",
    ),
    Meaning(
        "too_many_wrong_codes",
        429,
        "Too many wrong codes. Wait {wait_s} seconds and scan the code instead of typing it.",
        "错误券码过多，请等待 {wait_s} 秒，并改为扫码。",
        "voucher",
        retryable=True,
        by_rule={
            "paper_locked": Wording(
                "This paper is locked after {tries} wrong tries. The holder can have a new one.",
                "该纸质券已因 {tries} 次输错被锁定，持券人可补办。",
            )
        },
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
        "This voucher can be used from {valid_from_at}.",
        "此券从 {valid_from_at} 起可用。",
        "voucher",
        retryable=True,
    ),
    Meaning(
        "voucher_expired",
        409,
        "This voucher expired on {valid_until_at}.",
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
        "The campaign is not open at the moment. Try again later.",
        "活动当前未开放，请稍后再试。",
        "campaign",
        retryable=True,
        by_rule={
            "campaign_over": Wording(
                "The campaign is over. Its vouchers can no longer be used.",
                "活动已结束，此券不能再用。",
            ),
            "paused_until": Wording(
                "The campaign is paused until {paused_until_at}. Try again then.",
                "活动暂停至 {paused_until_at}，请届时再试。",
                retryable=True,
            ),
            "round_not_open": Wording(
                "Vouchers can be claimed from {opens_at}.",
                "{opens_at} 起可领取。",
                retryable=True,
            ),
            "round_over": Wording(
                "Claiming ended on {closed_at}.",
                "领取已于 {closed_at} 结束。",
            ),
        },
    ),
    Meaning(
        "store_not_found",
        404,
        "No store of yours has this number. Check the store number of the till.",
        "未找到该门店，请核对收银机上的门店编号。",
        "interface",
    ),
    Meaning(
        "store_closed",
        409,
        "This store is suspended or closed.",
        "该门店已停用。",
        "city",
        by_rule={
            "suspended_until": Wording(
                "This store is suspended until {suspended_until_at}. Use the voucher then or"
                " elsewhere.",
                "该门店暂停使用至 {suspended_until_at}，请届时再用或到其他门店使用。",
                retryable=True,
            ),
        },
    ),
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
        "This campaign does not take {order_kind} orders.",
        "本活动不支持{order_kind}订单。",
        "campaign",
    ),
    Meaning(
        "below_threshold",
        422,
        "The order is {missing} short of the {threshold} this voucher needs.",
        "订单未满 {threshold}，还差 {missing}。",
        "campaign",
    ),
    Meaning(
        "payable_too_small",
        422,
        "After the discount of {discount} at least one fen must be left to pay.",
        "减 {discount} 后，应付金额至少为一分钱。",
        "campaign",
        by_rule={
            "discount_rounds_to_nothing": Wording(
                "The discount on {eligible} is less than one fen; the voucher stays unused.",
                "{eligible} 的优惠不足一分钱，此券未使用。",
            )
        },
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
    Meaning(
        "order_incomplete",
        422,
        "This campaign asks for a number that the order does not name.",
        "本活动要求订单提供的编号缺失。",
        "campaign",
        by_rule={
            "payment_ref_asked_for": Wording(
                "This campaign asks for the payment reference of every order.",
                "本活动要求每笔订单提供支付流水号。",
            ),
            "receipt_no_asked_for": Wording(
                "This campaign asks for the receipt number of every order.",
                "本活动要求每笔订单提供小票号。",
            ),
        },
    ),
    Meaning(
        "order_time",
        422,
        "The time of this sale is not accepted.",
        "该笔销售的时间不被接受。",
        "city",
        by_rule={
            "order_too_old": Wording(
                "The sale of {occurred_at} was sent too late: {greatest_age_h} hours at most.",
                "{occurred_at} 的销售上传过迟，最迟 {greatest_age_h} 小时内上传。",
            ),
            "order_in_future": Wording(
                "The sale is dated {occurred_at}, which is yet to come. Set the till's clock.",
                "该笔销售的时间 {occurred_at} 尚未到来，请校准收银机时钟。",
            ),
        },
    ),
    # Limits
    _limit("resident", "The customer", "该顾客", status=422),
    _limit("store", "This store", "本门店", status=429),
    _limit("merchant", "This merchant", "本商户", status=422),
    Meaning(
        "risk_refused",
        422,
        "This voucher cannot be used on this order. The customer may ask the service hotline.",
        "此券暂不能用于本订单，顾客可致电服务热线查询。",
        "city",
        is_opaque=True,
    ),
    # What became of a redemption
    Meaning(
        "redemption_state",
        409,
        "This redemption does not allow that.",
        "该笔核销不能如此处理。",
        "campaign",
        by_rule=REDEMPTION_STATE,
    ),
    Meaning(
        "refund_too_large",
        422,
        "Only {left} of what the customer paid is left to refund.",
        "顾客实付金额中仅剩 {left} 可退。",
        "campaign",
    ),
)
