"""How recorded data writes fractions: as decimals in strings, which every language reads alike."""

from decimal import Context, Decimal

from governance.ledger.canonical import CanonicalError

MAX_DECIMAL_PLACES = 400


def decimal_text(number: Decimal) -> str:
    """The one way to write a decimal: no exponent, no trailing zeros, minus zero as 0.

    Raises CanonicalError for NaN, infinities and numbers with more than 400 digits on either side of the point.
    """
    if not number.is_finite():
        raise CanonicalError(f"{number} is not a finite number")
    digits = len(number.as_tuple().digits)
    if number and (abs(number.adjusted()) > MAX_DECIMAL_PLACES or digits > MAX_DECIMAL_PLACES):
        raise CanonicalError(f"a number with more than {MAX_DECIMAL_PLACES} digits on one side of the point")
    if not number:
        return "0"
    # normalize() rounds to the context's precision, so the context must be as wide as the number.
    return format(number.normalize(Context(prec=digits)), "f")
