"""Refusals met in running a launched campaign: money held and owed, issuing."""

from vouchers.errors.meaning import Meaning, Wording

OPERATION = (
    # Money held and money owed
    Meaning(
        "hold_not_captured",
        409,
        "Only a captured redemption can be held; this one is {state}.",
        "只能冻结已确认的核销，该笔当前状态为 {state}。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "already_held",
        409,
        "The redemption's money is held already.",
        "该笔核销资金已冻结。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "not_held",
        409,
        "The redemption's money is not held any more.",
        "该笔核销资金已解除冻结。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "already_settled",
        409,
        "The redemption is settled; its money can't be held any more.",
        "该笔核销已结算，不能再冻结。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "more_than_owed",
        422,
        "The merchant owes {owed}, not {amount}.",
        "商户应退 {owed}，不能登记 {amount}。",
        "ledger",
        audience="manager",
    ),
    Meaning(
        "case_changed",
        409,
        "This case can't be acted on as it was seen. Look at it again.",
        "核查单已非所见状态，请重新查看。",
        "campaign",
        audience="manager",
        by_rule={
            "case_open": Wording(
                "The case has been decided meanwhile.", "该核查单已有结论，不能再处理。"
            ),
            "case_as_seen": Wording(
                "Another officer has acted on the case since you opened it. Look at it again.",
                "您打开后，另一位风控人员已处理过该核查单，请重新查看。",
            ),
            "case_signals_seen": Wording(
                "{count} more signals have come since you opened the case. Look at them first.",
                "您打开后又新增 {count} 条信号，请先查看。",
            ),
            "case_reason": Wording("Say why.", "请填写原因。"),
            "case_deadline_ahead": Wording(
                "The deadline must be in the future.", "截止时间须在当前时间之后。"
            ),
            "case_subject": Wording(
                "This case has nothing to do with what was to be stopped.",
                "要停用的对象与该核查单无关。",
            ),
            "case_holds": Wording(
                "Nothing of this case can be held.", "该核查单没有可冻结的款项。"
            ),
        },
    ),
    # Handing out
    Meaning(
        "round_unknown",
        422,
        "This round belongs to another campaign.",
        "该轮次不属于本活动。",
        "campaign",
        audience="manager",
        by_rule={
            "round_is_claimed": Wording(
                "The vouchers of round {round} are claimed; a run can't distribute them.",
                "第 {round} 轮由居民领取，不能发放。",
            )
        },
    ),
    Meaning(
        "channel_unknown",
        422,
        "Name the channel of this run: quotas are kept by channel, and its code has at most 20 "
        "characters.",
        "请指定本次发放的渠道（编码不超过 20 个字符）：配额按渠道计算。",
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
        "webhook_invalid",
        422,
        "This webhook endpoint can't be saved as it is.",
        "无法保存此 webhook 地址。",
        "interface",
        audience="manager",
        by_rule={
            "endpoint_has_port": Wording(
                "The port of the address must be a number from 1 to 65535.",
                "地址中的端口须为 1 至 65535 的数字。",
            ),
            "endpoint_is_https": Wording(
                "The address must begin with https:// and hold no user, password or fragment.",
                "地址须以 https:// 开头，且不含用户名、密码或片段。",
            ),
            "endpoint_of_merchant_or_channel": Wording(
                "An endpoint belongs to a merchant or to a channel, not to both.",
                "回调地址须属于一个商户或一个渠道，不能同时属于两者。",
            ),
            "one_endpoint_per_address": Wording(
                "The owner has this address already.", "该所有者已登记此地址。"
            ),
            "event_unknown": Wording(
                "Choose at least one event, and only events that exist.",
                "请至少选择一个事件，且须为已有事件。",
            ),
        },
    ),
    Meaning(
        "clock_not_movable",
        422,
        "The clock of this campaign can't be moved to that time.",
        "不能将该活动的时钟调至此时间。",
        "campaign",
        audience="manager",
        by_rule={
            "only_test": Wording(
                "Only a test campaign has a clock that can be moved.", "仅测试活动的时钟可以调整。"
            ),
            "not_launched": Wording(
                "The clock is moved after the launch.", "活动启动之后方可调整时钟。"
            ),
            "never_back": Wording(
                "The clock only goes forward. Make another test campaign to begin anew.",
                "时钟只能向前。如需重新开始，请另建测试活动。",
            ),
            "too_far": Wording(
                "The clock can be at most three years ahead.", "时钟至多可提前三年。"
            ),
        },
    ),
)
