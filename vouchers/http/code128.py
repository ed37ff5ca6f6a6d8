"""Code 128 symbols (ISO/IEC 15417) of digits, in code set C: a symbol character for two digits."""

from typing import Final

START_C: Final = 105
STOP: Final = 106
CHECK_MODULUS: Final = 103
CHARACTER_MODULES: Final = 11
STOP_MODULES: Final = 13
QUIET_MODULES: Final = 10
"""The standard's least margin on either side, in modules (widths of the narrowest bar)."""

HEIGHT_MODULES: Final = 40

# ISO/IEC 15417, table 1: the widths in modules of bar, space, bar, space, bar, space, by value.
# The last one, the stop pattern, ends with a bar of its own.
TABLE: Final = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 "
    "112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 "
    "311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 "
    "112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
    "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 "
    "122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 "
    "124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
WIDTHS: Final = tuple(TABLE.split())


def _drawn(widths: str) -> str:
    """A pattern as steps of an SVG path: bars are drawn, spaces passed over."""
    return "".join(
        f"m{width} 0" if place % 2 else f"h{width}" for place, width in enumerate(widths)
    )


PATHS: Final = tuple(_drawn(widths) for widths in WIDTHS)


def code128_svg(digits: str) -> str:
    """An even number of digits as an SVG image without a size of its own: black bars on white, the
    quiet zones included. A screen reader is told by the page what it is."""
    values = [START_C, *(int(digits[at : at + 2]) for at in range(0, len(digits), 2))]
    check = START_C + sum(place * value for place, value in enumerate(values))
    bars = "".join([PATHS[value] for value in (*values, check % CHECK_MODULUS, STOP)])
    width = 2 * QUIET_MODULES + CHARACTER_MODULES * (len(values) + 1) + STOP_MODULES
    return (
        f'<svg viewBox="0 0 {width} {HEIGHT_MODULES}" class="code128" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{width}v{HEIGHT_MODULES}H0z"/>'
        f'<path stroke="#000" stroke-width="{HEIGHT_MODULES}"'
        f' d="M{QUIET_MODULES} {HEIGHT_MODULES // 2}{bars}"/></svg>'
    )
