"""How often somebody may ask, and how often somebody may come with a token that is none."""

from rest_framework import exceptions
from rest_framework.request import Request

from governance.people.models import Token
from governance.people.throttle import ADDRESS, REQUESTS, address_of


class TooMany(exceptions.Throttled):
    """Says in a sentence how long to wait; `Retry-After` says it to programs."""

    def __init__(self, what: str, wait: int) -> None:
        super().__init__(wait)
        self.detail = exceptions.ErrorDetail(f"{what} Wait {wait} seconds, then go on.", self.default_code)


def refuse_locked(request: Request) -> None:
    """Raise TooMany for an address from which too many sign-ins failed. Comes before anything looks at the token."""
    if wait := ADDRESS.locked(address_of(request)):
        raise TooMany("Too many sign-ins failed from your address.", wait)


def count(request: Request) -> None:
    """Raise TooMany when this token, person or address asks too often."""
    if wait := REQUESTS.wait(who(request)):
        raise TooMany("You ask too often.", wait)


def who(request: Request) -> str:
    if isinstance(request.auth, Token):
        return f"token:{request.auth.pk}"
    return f"user:{request.user.pk}" if request.user.is_authenticated else f"address:{address_of(request)}"


def note(request: Request, error: Exception) -> None:
    """Count a token that is none, or none any more, against the address that it came from."""
    if isinstance(error, exceptions.AuthenticationFailed):
        ADDRESS.failed(address_of(request))
