"""An address that the provider did not verify is nobody's: no account carries it, and nobody is linked by it."""

import pytest

from governance.people.models import User
from governance.people.sso import newcomer

pytestmark = pytest.mark.django_db
MALLORY = {"sub": "1", "preferred_username": "mallory", "email": "vera@example.org"}
VERA = {"sub": "2", "preferred_username": "vera", "email": "vera@example.org", "email_verified": True}


@pytest.mark.parametrize("said", [{}, {"email_verified": False}, {"email_verified": "no"}])
def test_nobody_waits_under_anothers_unverified_address_for_them_to_come(settings, said):
    settings.CHARTER_OIDC_LINK_BY_EMAIL = True
    waiting = newcomer({**MALLORY, **said})
    assert waiting.email == ""
    assert newcomer(VERA).username == "vera"
    assert User.objects.get(email="vera@example.org").username == "vera"
