"""Refusals of the request itself, which only the till's program can cause or mend."""

from vouchers.errors.meaning import Meaning, Wording

INTEGRATOR = (
    Meaning(
        "malformed_request",
        400,
        "The request is not understood: {problem}",
        "请求格式有误：{problem_zh}",
        "interface",
        audience="integrator",
        by_rule={
            "store_ambiguous": Wording(
                "Several of your merchants have a store {store}; name the merchant.",
                "您的多个商户都有编号为 {store} 的门店，请注明商户代码（merchant）。",
            ),
        },
    ),
    Meaning(
        "idempotency_key_required",
        400,
        "Send an Idempotency-Key header (in a line of a batch: idempotency_key) of 1 to 255"
        " printable ASCII characters.",
        "请提供请求头 Idempotency-Key（批量的每行为 idempotency_key），1–255 个可见 ASCII 字符。",
        "interface",
        audience="integrator",
    ),
    Meaning(
        "idempotency_key_reused",
        422,
        "This Idempotency-Key was used for a different request. Use a new key for a new order.",
        "该 Idempotency-Key 已用于其他请求，新订单请使用新的键。",
        "interface",
        audience="integrator",
    ),
    Meaning(
        "forbidden",
        403,
        "This key may not do that; it lacks the permission {scope}.",
        "该密钥无权执行此操作，缺少权限 {scope}。",
        "interface",
        audience="integrator",
        by_rule={
            "whole_merchants": Wording(
                "This key acts for single stores; a settlement has the lines of all of them.",
                "该密钥仅代表个别门店，而结算单包含商户全部门店的明细。",
            ),
        },
    ),
    Meaning(
        "rate_limited",
        429,
        "Too many requests with this key. Ask again in {retry_after_s} s.",
        "该密钥请求过于频繁，请 {retry_after_s} 秒后再试。",
        "interface",
        retryable=True,
        audience="integrator",
        by_rule={
            "wrong_codes": Wording(
                "Too many wrong codes from this address. Try again in {retry_after_s} s.",
                "该地址输入错误码次数过多，请 {retry_after_s} 秒后再试。",
                retryable=True,
            ),
            "previews": Wording(
                "You have made as many previews as one person may in an hour."
                " Ask again in {retry_after_s} s.",
                "您一小时内的预览次数已达上限，请 {retry_after_s} 秒后再试。",
                retryable=True,
            ),
        },
    ),
    Meaning(
        "enrolment_code_invalid",
        404,
        "This code is unknown, used or expired. Ask the operator for a new one.",
        "该登记码无效、已使用或已过期，请向运维索取新的登记码。",
        "interface",
        audience="integrator",
    ),
    Meaning(
        "address_unknown",
        404,
        "The interface has no such address. Check the path in the documentation.",
        "接口无此地址，请核对文档中的路径。",
        "interface",
        audience="integrator",
    ),
    Meaning(
        "method_not_allowed",
        405,
        "This address does not take that method.",
        "该地址不支持此请求方法。",
        "interface",
        audience="integrator",
    ),
    Meaning(
        "body_too_large",
        413,
        "The body is larger than the {max_bytes} bytes that this call takes.",
        "请求体超过该接口允许的 {max_bytes} 字节。",
        "interface",
        audience="integrator",
    ),
    Meaning(
        "unsupported_media_type",
        415,
        "Send the body as application/json in UTF-8, not as {content_type}.",
        "请求体须为 UTF-8 编码的 application/json，而非 {content_type}。",
        "interface",
        audience="integrator",
        by_rule={
            "compressed": Wording(
                "Send the body as it is, not compressed ({content_encoding}).",
                "请求体不得压缩（{content_encoding}）。",
            )
        },
    ),
)
