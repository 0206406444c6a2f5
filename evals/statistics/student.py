"""Student's t distribution: two-sided tail and critical value, for differences of few independent items."""

import math

from evals.statistics.normal import z_for

SMALLEST = 1e-300
TERMS = 300


def two_sided_t(t: float, freedom: float) -> float:
    """P(|T| >= |t|) with `freedom` degrees of freedom (not necessarily whole): I_x(df/2, 1/2) at x = df/(df + t²).

    Raises ValueError for freedom <= 0.
    """
    if freedom <= 0:
        raise ValueError(f"degrees of freedom are positive, this is {freedom}")
    return _beta(freedom / (freedom + t * t), t * t / (freedom + t * t), freedom / 2, 0.5)


def t_for(level: float, freedom: float) -> float:
    """The two-sided critical value: 2.228139 for level 0.95 and 10 degrees of freedom, 1.96 for very many.

    Bisection of two_sided_t(). Raises ValueError for a level outside (0, 1) or freedom <= 0.
    """
    low = high = z_for(level)
    while two_sided_t(high, freedom) > 1 - level:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_t(middle, freedom) > 1 - level else (low, middle)
    return (low + high) / 2


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b); `rest` is 1 - x, kept apart so that no digit is lost."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log(rest))
    if x < (a + 1) / (a + b + 2):
        return front * _continued(x, a, b) / a
    return 1 - front * _continued(rest, b, a) / b


def _continued(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b) by Lentz's method (DLMF 8.17.22; Press et al., Numerical Recipes, 6.4)."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / _apart(1 + term * d), _apart(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return fraction


def _apart(value: float) -> float:
    return value if abs(value) > SMALLEST else SMALLEST
