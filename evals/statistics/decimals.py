"""Numbers to decimal text: the only way a statistic leaves this package for a record."""

import math
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

SMALLEST_P = Decimal("0.000000000001")


def text(x: float, places: int = 6) -> str:
    """`x` as plain decimal text, rounded half to even at `places`, without trailing zeros or a negative zero.

    Raises ValueError for NaN and infinities, which have no decimal text.
    """
    if not math.isfinite(x):
        raise ValueError(f"{x} has no decimal text; report that the statistic is undefined instead")
    with localcontext(prec=400):
        rounded = Decimal(x).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return _plain(rounded)


def p_text(p: float) -> str:
    """A p-value to three significant digits; anything below 1e-12 is written as 0.000000000001, an upper bound.

    A p-value is never 0, and text() would make it so. Raises ValueError outside [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"a p-value lies between 0 and 1, this is {p}")
    return _plain(max(Decimal(f"{p:.2e}"), SMALLEST_P))


def _plain(value: Decimal) -> str:
    plain = format(value.normalize(), "f")
    return "0" if plain == "-0" else plain
