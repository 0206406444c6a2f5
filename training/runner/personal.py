"""Forms of personal data in text: e-mail and IP addresses, phone numbers, bank accounts, cards, US social security numbers.

Forms, not persons: a number may belong to nobody, and a name has no form. Each class has a quick sign, in the syntax of
Rust's regular expressions, without which a text cannot hold it, and a finder that checks what can be checked. No pattern
repeats anything without a bound, so that no text can make a search slow.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

RESERVED = re.compile(r"(?:^|\.)example\.(?:com|org|net)$|\.(?:example|test|invalid|localhost)$")
"""Domains that nobody has (RFC 2606)."""

EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w-])")
PHONE = re.compile(
    r"""(?x) (?<![\w.+-]) (?:
        \+ [0-9]{1,3} [\s().-]{0,2} (?: [0-9] [\s().-]{0,2} ){6,12} [0-9]      # +49 30 1234567
      | \(? [0-9]{3} \)? [\s.-] [0-9]{3} [\s.-] [0-9]{4}                       # (212) 555-0100
      | 0 [0-9]{1,4} [\s/-] [0-9]{3,8} (?: [\s-] [0-9]{2,4} ){0,3}             # 030 1234567
    ) (?![\w-])"""
)
IBAN = re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
CARD = re.compile(r"(?<![0-9.-])(?:[0-9][ -]?){12,18}[0-9](?![0-9.-])")
IPV4 = re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])")
IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){2,7}:?(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{1,4}(?![\w:])"
)
SSN = re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])")


class Finder(NamedTuple):
    title: str
    sign: str
    """A regular expression of Rust's that matches every text in which `count` finds something."""
    count: Callable[[str], int]


def emails(text: str) -> int:
    """E-mail addresses, without those of domains reserved for examples."""
    return sum(not RESERVED.search(found[1].lower()) for found in EMAIL.finditer(text))


def phones(text: str) -> int:
    """Phone numbers: international, North American, or with an area code that begins with 0."""
    return sum(7 <= len(_digits(found[0])) <= 15 for found in PHONE.finditer(text))


def ibans(text: str) -> int:
    """International bank account numbers whose check digits fit (ISO 13616)."""
    return sum(_is_iban(found[0].replace(" ", "")) for found in IBAN.finditer(text))


def cards(text: str) -> int:
    """Payment card numbers of 13 to 19 digits whose check digit fits (ISO/IEC 7812, Luhn)."""
    return sum(_is_card(_digits(found[0])) for found in CARD.finditer(text))


def addresses(text: str) -> int:
    """IP addresses of the public internet."""
    return sum(map(_is_public, _addresses(text)))


def social_security_numbers(text: str) -> int:
    """US social security numbers of an area, group and serial that are issued."""
    return len(SSN.findall(text))


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def _is_iban(text: str) -> bool:
    if not 15 <= len(text) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _is_card(digits: str) -> bool:
    if not 13 <= len(digits) <= 19 or digits[0] not in "3456" or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _addresses(text: str) -> Iterator[str]:
    for pattern in (IPV4, IPV6):
        yield from (found[0] for found in pattern.finditer(text))


def _is_public(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


FINDERS = {
    "email": Finder("e-mail addresses", "@", emails),
    "phone": Finder("phone numbers", r"[0-9]{3}|[0-9][\s().-]+[0-9]", phones),
    "iban": Finder("bank account numbers (IBAN)", r"[A-Z]{2}[0-9]{2}", ibans),
    "credit_card": Finder("payment card numbers", r"(?:[0-9][ -]?){12}[0-9]", cards),
    "ip_address": Finder(
        "IP addresses", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]:[0-9A-Fa-f:]", addresses
    ),
    "us_ssn": Finder("US social security numbers", r"[0-9]{3}-[0-9]{2}-[0-9]{4}", social_security_numbers),
}
