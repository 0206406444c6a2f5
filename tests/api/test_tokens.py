"""Who comes in: sessions with CSRF, tokens with scopes, and what neither may do."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.actions import deactivate, fingerprint
from governance.people.models import Token, User
from governance.registry.models import Version
from tests.api.conftest import V1, fields, problem
from tests.builders import CONSTITUTION

DRAFT = {"kind": "constitution", "slug": "house", "content": CONSTITUTION}


def test_nobody_reads_without_signing_in(db):
    response = APIClient().get(f"{V1}/artifacts/")
    problem(response, 401)
    assert response["WWW-Authenticate"] == 'Bearer realm="charter"'


def test_a_sign_in_without_account_reads_nothing(db):
    client = APIClient()
    client.force_login(User.objects.create_user("stray"))
    assert "no active account" in problem(client.get(f"{V1}/artifacts/"), 403)["detail"]


def test_anyone_with_an_account_reads(signed_in, with_token):
    for client in (signed_in("otto"), signed_in("axel"), with_token("otto")):
        assert client.get(f"{V1}/artifacts/").status_code == 200


def test_a_session_needs_its_csrf_token(cast):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(cast.polly)
    assert "CSRF" in problem(client.post(f"{V1}/versions/", DRAFT, format="json"), 403)["detail"]
    assert not Version.objects.exists()


def test_a_made_token_is_shown_once_and_stored_as_a_hash(signed_in, cast):
    given = {"label": "nightly", "scopes": ["registry:version:register"]}
    response = signed_in("ada").post(f"{V1}/tokens/", given, format="json")
    assert response.status_code == 201
    secret = response.json()["secret"]
    token = Token.objects.get(account__handle="ada")
    assert token.digest == fingerprint(secret)
    assert timedelta(days=89) < token.expires_at - timezone.now() <= timedelta(days=90)
    assert Entry.objects.get(object_id=str(token.id)).actor == "person:ada"
    assert secret not in str(signed_in("ada").get(f"{V1}/tokens/").json())
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}").get(f"{V1}/me/").json()["handle"] == "ada"


def test_me_says_what_this_sign_in_may_do(signed_in, with_token):
    assert "reviews:version:review" in signed_in("ravi").get(f"{V1}/me/").json()["may"]
    me = with_token("polly", "registry:version:draft", "reviews:version:review").get(f"{V1}/me/").json()
    assert me["may"] == ["registry:version:draft"]
    assert me["token"]["label"] == "ci"


def test_a_write_by_token_names_token_and_person(with_token):
    client = with_token("polly", "registry:version:draft")
    assert client.post(f"{V1}/versions/", DRAFT, format="json").status_code == 201
    entry = Entry.objects.get(op="registry:version:drafted")
    assert entry.actor == f"token:{str(client.token.id)[:8]} for person:polly"
    assert Version.objects.get().authors == ["polly"]


def test_a_token_does_nothing_beyond_its_scopes(with_token):
    response = with_token("polly", "reviews:version:submit").post(f"{V1}/versions/", DRAFT, format="json")
    assert "lacks the scope registry:version:draft" in problem(response, 403)["detail"]


def test_a_scope_gives_nothing_that_the_account_may_not(with_token):
    response = with_token("axel", "registry:version:draft").post(f"{V1}/versions/", DRAFT, format="json")
    assert "needs the group" in problem(response, 403)["detail"]
    assert not Version.objects.exists()


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer charter_nonsense", "Bearer \xff\xfe", "bearer a b"]
)
def test_an_unknown_token_is_refused(db, header):
    problem(APIClient(HTTP_AUTHORIZATION=header).get(f"{V1}/me/"), 401)


def test_an_expired_token_is_refused(with_token):
    client = with_token("ada")
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert "expired" in problem(client.get(f"{V1}/me/"), 401)["detail"]


def test_a_revoked_token_is_refused(with_token, signed_in):
    client = with_token("ada")
    assert signed_in("ada").post(f"{V1}/tokens/{client.token.id}/revoke/").json()["revoked"] is True
    assert signed_in("ada").post(f"{V1}/tokens/{client.token.id}/revoke/").status_code == 200
    assert Entry.objects.filter(op="people:token:revoked").count() == 1
    assert "revoked" in problem(client.get(f"{V1}/me/"), 401)["detail"]


def test_the_token_of_a_closed_account_is_refused(with_token, cast):
    client = with_token("ada")
    deactivate(cast.ada.account, actor=cast.actor("root"))
    problem(client.get(f"{V1}/me/"), 401)


def test_tokens_cannot_make_or_revoke_tokens(with_token):
    client = with_token("ada", "registry:version:register")
    problem(client.post(f"{V1}/tokens/", {"label": "more"}, format="json"), 403)
    problem(client.post(f"{V1}/tokens/{client.token.id}/revoke/"), 403)


def test_people_see_and_revoke_their_own_tokens_administrators_all(with_token, signed_in):
    token = with_token("ada").token
    assert signed_in("eno").get(f"{V1}/tokens/").json()["results"] == []
    problem(signed_in("eno").post(f"{V1}/tokens/{token.id}/revoke/"), 404)
    assert [row["account"] for row in signed_in("root").get(f"{V1}/tokens/").json()["results"]] == ["ada"]
    assert signed_in("root").post(f"{V1}/tokens/{token.id}/revoke/").status_code == 200


def test_a_token_with_wrong_values_is_not_made(signed_in):
    client = signed_in("ada")
    late = {"label": "x", "expires_at": (timezone.now() + timedelta(days=400)).isoformat()}
    assert fields(problem(client.post(f"{V1}/tokens/", late, format="json"), 400)) == {"expires_at"}
    past = {"label": "x", "expires_at": "2001-01-01T00:00:00Z"}
    assert "past" in problem(client.post(f"{V1}/tokens/", past, format="json"), 422)["detail"]
    unknown = {"label": "x", "scopes": ["registry:version:fly"]}
    assert "Unknown scope" in problem(client.post(f"{V1}/tokens/", unknown, format="json"), 422)["detail"]
    wrong = {"label": "", "scopes": "all", "expires": "never"}
    assert fields(problem(client.post(f"{V1}/tokens/", wrong, format="json"), 400)) == {"expires"}
    assert not Token.objects.exists()
