"""Refusals of the registers of merchants, stores, keys and residents, at every door."""

from vouchers.errors.meaning import Meaning, Wording

RESIDENT_REFUSED = {
    "national_id_invalid": Wording(
        "The identity number fails its check character.", "身份证号校验码不符。"
    ),
    "phone_invalid": Wording(
        "The phone number is not valid. Numbers from elsewhere need + and a country code.",
        "电话号码无效，境外号码须以 + 和国家代码开头。",
    ),
    "identity_taken": Wording(
        "Another resident is on file with this identity number.",
        "该身份证号已登记在另一居民名下。",
    ),
    "identity_changed": Wording(
        "The resident is on file with another identity number.",
        "该居民已以另一身份证号登记。",
    ),
    "resident_erased": Wording(
        "The resident had their data erased; this number is not used again.",
        "该居民的资料已删除，此编号不再使用。",
    ),
}
"""Why a resident can't be put on file, where the rule says more than the code."""

REGISTERS = (
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
        audience="integrator",
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
        audience="integrator",
        by_rule=RESIDENT_REFUSED,
    ),
    Meaning(
        "proxy_is_holder",
        422,
        "A resident cannot be their own proxy.",
        "本人不能作为自己的代用人。",
        "city",
        audience="integrator",
    ),
    Meaning(
        "resident_state",
        409,
        "This resident is {state} and can't be moved to that state.",
        "该居民当前状态为 {state}，不能这样变更。",
        "city",
        audience="manager",
    ),
    Meaning(
        "merge_with_self",
        422,
        "A resident can't be merged with the same resident.",
        "不能将居民与其本人合并。",
        "city",
        audience="manager",
    ),
    Meaning(
        "already_merged",
        409,
        "The resident {resident} is counted as another resident already.",
        "居民 {resident} 已与他人合并计算。",
        "city",
        audience="manager",
    ),
    Meaning(
        "not_merged",
        409,
        "The merge of the resident {resident} was undone before.",
        "居民 {resident} 的合并此前已撤销。",
        "city",
        audience="manager",
    ),
    Meaning(
        "already_excluded",
        409,
        "The resident {resident} is excluded already.",
        "居民 {resident} 已被排除。",
        "city",
        audience="manager",
    ),
    Meaning(
        "not_excluded",
        409,
        "The exclusion of the resident {resident} has ended before.",
        "居民 {resident} 的排除此前已解除。",
        "city",
        audience="manager",
    ),
    Meaning(
        "link_invalid",
        422,
        "This is not a valid {kind}.",
        "不是有效的关联标识（{kind}）。",
        "city",
        audience="manager",
    ),
)
