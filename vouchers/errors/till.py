"""Refusals that a till, an integrator or a channel can meet: at most thirty, one meaning each."""

from vouchers.errors.meaning import Meaning

TILL = (
    # The request itself
    Meaning(
        "malformed_request",
        400,
        "The request is not understood: {problem}",
        "请求格式有误：{problem_zh}",
        "interface",
        by_rule={
            "store_ambiguous": (
                "Several of your merchants have a store {store}; name the merchant.",
                "您的多个商户都有编号为 {store} 的门店，请注明商户代码（merchant）。",
            ),
        },
    ),
    Meaning(
        "idempotency_key_required",
        400,
        "Send an Idempotency-Key header of 1 to 255 printable ASCII characters.",
        "请在请求头中提供 Idempotency-Key（1–255 个可见 ASCII 字符）。",
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
        by_rule={
            "discount_rounds_to_nothing": (
                "The discount on {eligible} is less than ¥0.01; the voucher stays unused.",
                "{eligible} 的优惠不足 ¥0.01，此券未使用。",
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
        "This store has reached the limit of {limit} per {window}. Open again from: {next_at}.",
        "本门店已达每{window_zh}上限 {limit}；恢复时间：{next_at}。",
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
    # What became of a redemption
    Meaning(
        "redemption_state",
        409,
        "This redemption does not allow that: {because}.",
        "该笔核销不能如此处理：{because_zh}。",
        "campaign",
    ),
    Meaning(
        "refund_too_large",
        422,
        "Only {left} of what the customer paid is left to refund.",
        "顾客实付金额中仅剩 {left} 可退。",
        "campaign",
    ),
)
