"""Every environment variable that Huimin reads, for people: what it means and what it is if unset.

The configuration page of the documentation is made from this table; a test holds it to the
variables that `config/settings.py` and `config/embedded.py` read.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `default_*`: what holds when it isn't set; `needed`: production stops
    without it."""

    name: str
    default_en: str
    default_zh: str
    en: str
    zh: str
    needed: bool = False


ON_IN_PRODUCTION = ("on in production", "生产环境默认开启")

VARIABLES = (
    Variable(
        "DATABASE_URL",
        "embedded PostgreSQL",
        "内嵌 PostgreSQL",
        "PostgreSQL, as the services' role, which owns nothing. Setting it makes the installation "
        "a production one.",
        "PostgreSQL 地址，使用不拥有任何对象的业务角色。设置后即视为生产环境。",
    ),
    Variable(
        "DATABASE_OWNER_URL",
        "`DATABASE_URL`",
        "同 `DATABASE_URL`",
        "The same database as the role that owns the schema; used by `manage.py migrate` only.",
        "同一数据库，使用拥有表结构的角色；仅 `manage.py migrate` 使用。",
    ),
    Variable(
        "REDIS_URL",
        "embedded Valkey",
        "内嵌 Valkey",
        "Celery's broker (`redis://`, `rediss://` or `unix://`). It may be lost at any moment.",
        "Celery 消息代理（`redis://`、`rediss://` 或 `unix://`），随时丢失均不影响账目。",
    ),
    Variable(
        "HUIMIN_LOCAL_DIR",
        "`.local`",
        "`.local`",
        "Data, logs and secrets of a local installation.",
        "本地安装的数据、日志与密钥目录。",
    ),
    Variable(
        "HUIMIN_CELL",
        "`main`",
        "`main`",
        "Name of this city among others, 1 to 12 lower-case letters or digits: in keys, voucher "
        "codes, seals, settlement files and packs. Never changed once keys or vouchers are out.",
        "本城市在各单元中的名称，1–12 个小写字母或数字，出现在密钥、券码、封存值、结算文件和"
        "审计包中。"
        "签发密钥或发券之后不可更改。",
    ),
    Variable(
        "HUIMIN_MAP_APPROVAL_NO",
        "a note that the map is a sketch for internal use",
        "注明为内部使用的示意图",
        "The number under which the authority approved the districts' shapes (审图号); printed "
        "under every map.",
        "区界图形的审图号，印在每幅地图下方。",
    ),
    Variable(
        "HUIMIN_TILE_URL",
        "no tiles",
        "不使用瓦片",
        "Tiles laid under the maps, `https://host/…/{z}/{x}/{y}.png`, or a path of this service. "
        "Browsers may load images from this one host, on the pages with maps alone; it learns "
        "where their people look.",
        "铺在地图下的瓦片，`https://主机/…/{z}/{x}/{y}.png`，或本服务的路径。仅带地图的页面可从这一台"
        "主机加载图片；该主机会得知使用者查看的位置。",
    ),
    Variable(
        "HUIMIN_TILE_DATUM",
        "none; needed with tiles",
        "无；使用瓦片时必填",
        "Datum of these tiles: `GCJ-02` (Amap, Tencent) or `WGS-84` (Tianditu, OpenStreetMap). Our "
        "drawings are shifted onto them. Baidu's tiles (BD-09) have a grid of their own and cannot "
        "be used.",
        "瓦片的坐标系：`GCJ-02`（高德、腾讯）或 `WGS-84`（天地图、OpenStreetMap），"
        "所绘图形按此偏移。百度瓦片（BD-09）网格不同，不能使用。",
    ),
    Variable(
        "HUIMIN_TILE_ATTRIBUTION",
        "nothing",
        "无",
        "What is printed in the corner of a map with tiles: whose they are, and their approval "
        "number (审图号).",
        "带瓦片的地图角上所印的版权声明与瓦片的审图号。",
    ),
    Variable(
        "HUIMIN_REQUEST_RETENTION_DAYS",
        "180",
        "180",
        "Answered requests that are older, and older than every campaign that is not closed, move "
        "into a file each night; at least 30.",
        "早于此天数、且早于所有未关账活动的已应答请求每晚移入文件；不少于 30。",
    ),
    Variable(
        "HUIMIN_ARCHIVE_DIR",
        "`.local/archive`",
        "`.local/archive`",
        "Where these files go, and auditor's packs until they are fetched; web servers and workers "
        "write it alike. Back it up.",
        "上述文件以及待取审计包的目录，网页服务与后台任务均须可写，请备份。",
    ),
    Variable(
        "HUIMIN_WEBHOOK_NETWORKS",
        "none",
        "无",
        "Private networks (CIDR, separated by commas) that webhooks and anchors may be sent into, "
        "as those of a government cloud; otherwise only public addresses are reached.",
        "允许 webhook 与锚定值送达的内网网段（CIDR，以逗号分隔），如政务云网段；"
        "未列出时仅可送达公网地址。",
    ),
    Variable(
        "HUIMIN_TERMINAL_RATE_LIMIT",
        "1200",
        "1200",
        "Requests a minute with the key of a terminal, before it is answered 429; 0: not limited. "
        "It sheds load and is not a safeguard.",
        "单个终端密钥每分钟的请求数，超出答 429；0 为不限。仅用于削峰，不作风控。",
    ),
    Variable(
        "HUIMIN_RATE_LIMIT",
        "120000",
        "120000",
        "The same for every other key: of merchants, integrators and channels.",
        "其他密钥（商户、服务商、渠道）的同一限值。",
    ),
    Variable(
        "SECRET_KEY",
        "made once locally",
        "本地自动生成一次",
        "Django's key: sessions and forms.",
        "Django 密钥，用于会话与表单。",
        needed=True,
    ),
    Variable(
        "HUIMIN_CODE_KEY",
        "made once locally",
        "本地自动生成一次",
        "HMAC key of the check digits in voucher codes, at least 32 bytes in hexadecimal.",
        "券码校验位的 HMAC 密钥，十六进制，至少 32 字节。",
        needed=True,
    ),
    Variable(
        "HUIMIN_PII_KEY",
        "made once locally",
        "本地自动生成一次",
        "Key of the hashes, pseudonyms and encryption of personal data, at least 32 bytes in "
        "hexadecimal.",
        "个人信息哈希、化名与加密所用密钥，十六进制，至少 32 字节。",
        needed=True,
    ),
    Variable(
        "HUIMIN_APPROVERS",
        "`100000000,500000000`",
        "`100000000,500000000`",
        "Amounts in yuan, separated by a comma, from which a second and a third person must "
        "approve; `none`: one is always enough. What waits already keeps its number.",
        "金额（元，逗号分隔）：达到第一个须两人审批，达到第二个须三人审批；`none` 表示始终一人。"
        "已在等待的事项不受修改影响。",
    ),
    Variable(
        "HUIMIN_WRONG_CODES",
        "30",
        "30",
        "Wrong voucher codes that a till may send in an hour before it is slowed down; after twice "
        "as many it is refused until the hour ends. A store has five times, an integrator's or "
        "channel's key fifty times as many.",
        "每台收银机每小时可输错的券码次数，超过后逐步延时，达到两倍后本小时内拒绝；门店为其五倍，"
        "服务商或渠道密钥为其五十倍。",
    ),
    Variable(
        "ALLOWED_HOSTS",
        "localhost",
        "localhost",
        "Host names the service answers to, separated by commas.",
        "服务应答的主机名，以逗号分隔。",
        needed=True,
    ),
    Variable(
        "CSRF_TRUSTED_ORIGINS",
        "none",
        "无",
        "Origins allowed to post forms, with scheme, separated by commas.",
        "允许提交表单的来源（含协议），以逗号分隔。",
    ),
    Variable(
        "HUIMIN_PROXIES",
        "0",
        "0",
        "How many of your proxies stand in front of the service. Each must add the caller's "
        "address to `X-Forwarded-For`; with a number too high a caller chooses the address that "
        "failed sign-ins count for.",
        "服务之前您的代理层数。每层须将来访地址追加到 `X-Forwarded-For`；数值偏大时，来访者可自行"
        "选择登录失败所计入的地址。",
    ),
    Variable(
        "HUIMIN_SECOND_FACTOR_ROLES",
        "`approver,risk officer,superuser` in production, `none` locally",
        "生产环境 `approver,risk officer,superuser`，本地 `none`",
        "Roles that sign in with a second factor, separated by commas; `superuser` stands for "
        "superusers, `none` for no role.",
        "必须使用双因素认证登录的角色，以逗号分隔；`superuser` 指超级用户，`none` 指无。",
    ),
    Variable(
        "STATIC_ROOT",
        "`.local/static`",
        "`.local/static`",
        "Where `manage.py collectstatic` puts files in production.",
        "生产环境中 `manage.py collectstatic` 的输出目录。",
    ),
    Variable("DEBUG", "0", "0", "Never 1 in production.", "生产环境不得为 1。"),
    Variable(
        "HUIMIN_OFFLINE_HOURS",
        "72",
        "72",
        "Greatest age in hours of an order that a till took offline and sends later "
        "(`occurred_at`); older ones are refused.",
        "收银机离线受理、事后上传的订单（`occurred_at`）最长允许的小时数，超过则拒绝。",
    ),
    Variable(
        "EMAIL_URL",
        "files under `.local/mail`",
        "写入 `.local/mail` 下的文件",
        "Server that sends the seals: `smtp://`, `submission://` (STARTTLS) or `smtps://`, with "
        "user and password.",
        "发送封存链的邮件服务器：`smtp://`、`submission://`（STARTTLS）或 `smtps://`，"
        "含用户名与密码。",
    ),
    Variable(
        "DEFAULT_FROM_EMAIL",
        "huimin@localhost",
        "huimin@localhost",
        "Sender of these messages.",
        "上述邮件的发件人。",
    ),
    Variable(
        "LOG_LEVEL",
        "WARNING locally, INFO in production",
        "本地 WARNING，生产 INFO",
        "Logs are one JSON object a line on standard error.",
        "日志级别；日志输出到标准错误，每行一个 JSON 对象。",
    ),
    Variable(
        "SECURE_SSL_REDIRECT",
        *ON_IN_PRODUCTION,
        "Redirect HTTP to HTTPS.",
        "将 HTTP 重定向到 HTTPS。",
    ),
    Variable(
        "SECURE_HSTS_SECONDS",
        "31536000 in production",
        "生产环境 31536000",
        "How long browsers insist on HTTPS, in seconds.",
        "浏览器坚持使用 HTTPS 的时长（秒）。",
    ),
    Variable(
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        *ON_IN_PRODUCTION,
        "The same for subdomains.",
        "子域名同样要求 HTTPS。",
    ),
    Variable(
        "SECURE_HSTS_PRELOAD",
        *ON_IN_PRODUCTION,
        "Allow browsers to ship this host as HTTPS-only.",
        "允许浏览器预置本主机仅用 HTTPS。",
    ),
    Variable(
        "SESSION_COOKIE_SECURE",
        *ON_IN_PRODUCTION,
        "Send session and CSRF cookies over HTTPS only.",
        "会话与 CSRF Cookie 仅经 HTTPS 发送。",
    ),
    Variable(
        "TRUST_X_FORWARDED_PROTO",
        "0",
        "0",
        "Believe the proxy's `X-Forwarded-Proto`; only where every request comes through it.",
        "信任代理的 `X-Forwarded-Proto`；仅在所有请求都经该代理时开启。",
    ),
)
