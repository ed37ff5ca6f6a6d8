"""Refusals that a resident can meet in a channel's app, beside those of a till."""

from vouchers.errors.meaning import Meaning, Wording

CHANNEL = (
    Meaning(
        "sold_out",
        409,
        "All vouchers of this kind have been claimed. One that comes back can be claimed again.",
        "该券已领完；如有退回，可再次领取。",
        "campaign",
        retryable=True,
        audience="channel",
    ),
    Meaning(
        "not_targeted",
        422,
        "This resident is not among those whom the campaign is for.",
        "您不在本活动的发放范围内。",
        "campaign",
        audience="channel",
        by_rule={
            "outside": Wording(
                "This place is too far from every store that takes part.",
                "所在位置不在参与门店的服务范围内。",
                retryable=True,
            ),
            "outside_streets": Wording(
                "This place is in none of the streets that the campaign is for.",
                "所在位置不在本活动限定的街镇内。",
                retryable=True,
            ),
            "no_point": Wording(
                "No place is known for this resident; send the position or register an address.",
                "缺少位置信息，请授权定位或登记地址后再试。",
                retryable=True,
            ),
            "bad_coordinates": Wording(
                "The position is not a place on Earth; check longitude, latitude and datum.",
                "位置坐标无效，请检查经纬度及坐标系。",
                retryable=True,
            ),
            "no_consent": Wording(
                "The resident has not agreed that their places are used. Ask for it first.",
                "居民尚未授权使用位置信息，请先取得同意。",
                retryable=True,
            ),
        },
    ),
)
