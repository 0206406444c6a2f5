"""The normal distribution's quantile and two-sided tail."""

import math
from statistics import NormalDist


def z_for(level: float) -> float:
    """The two-sided critical value: 1.959964 for level 0.95. Raises ValueError outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, this is {level}")
    return NormalDist().inv_cdf(0.5 + level / 2)


def two_sided_p(z: float) -> float:
    """P(|Z| >= |z|) for a standard normal Z, through the complementary error function."""
    return math.erfc(abs(z) / math.sqrt(2))
