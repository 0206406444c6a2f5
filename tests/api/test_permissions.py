"""Who may do what, made from the code: every group at every endpoint with every method, by session and by token."""

from typing import Any

import pytest
from django.urls import URLPattern
from django.utils.regex_helper import normalize
from rest_framework.test import APIClient

from config.api_urls import endpoints
from governance.api.artifacts import VersionDoor
from governance.ledger.models import Entry
from governance.people.actions import create_person, deactivate
from governance.people.models import User
from governance.people.permissions import GROUPS, may, table
from governance.registry import actions, kinds, lookup
from governance.registry.access import write_action
from governance.releases.models import GateReport
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, CONSTITUTION, MARA, POLLY, constitution, model
from tests.evidence import world

VALUES = {
    "kind": "constitution",
    "slug": "house",
    "number": "1",
    "id": "00000000-0000-4000-8000-000000000000",
    "handle": "otto",
    "digest": "0" * 64,
    "sha256": "0" * 64,
    "place": "0",
    "size": "1",
}
METHODS = ("get", "post", "put", "patch", "delete")
WITHOUT_ACTION = {
    ("tokens", "POST"): "tokens are one's own",
    ("token-revoke", "POST"): "tokens are one's own, or an administrator's to end",
    ("objections", "POST"): "anybody may object to what is public",
    ("identity-verify", "POST"): "it only reads; the body is too long for an address",
    ("versions", "POST"): "the body says whether it drafts or registers, and which kind",
}
"""Writing methods whose right the endpoint checks by itself; the tests below do it."""
EVERYBODY = ("schema",)
"""Endpoints that need no account."""
OPEN = {("objections", "POST")}
"""Single methods that need none; an account that comes along must be a good one."""


def address(endpoint: URLPattern) -> str:
    """An address that the endpoint answers, whether or not there is anything."""
    pattern = endpoint.pattern
    names = getattr(pattern, "converters", None) or pattern.regex.groupindex
    filled = {name: VALUES[name] for name in names}
    if hasattr(pattern, "_route"):
        text = pattern._route
        for name, converter in pattern.converters.items():
            for form in (f"<{kind}:{name}>" for kind in ("uuid", "slug", "int", "str")):
                text = text.replace(form, str(filled[name]))
            assert converter
        return f"{V1}/{text}"
    (template, _), *_rest = normalize(pattern.regex.pattern)
    return f"{V1}/{template % filled}"


ENDPOINTS = {endpoint.name: endpoint for endpoint in endpoints}
OFFERED = [
    (name, method.upper())
    for name, endpoint in ENDPOINTS.items()
    for method in METHODS
    if hasattr(endpoint.callback.cls, method)
]


def action_of(name: str, method: str) -> str | None:
    return ENDPOINTS[name].callback.cls.does.get(method)


@pytest.fixture
def members(cast) -> dict[str, User]:
    """One person for each group, and one in none."""
    made = {
        name: create_person(f"only-{name}", handle=f"only-{name}", groups=[name], actor=ADA)
        for name in GROUPS
    }
    return {**made, "none": cast.otto}


def asked(client: APIClient, method: str, name: str, body: Any = None) -> Any:
    given = {} if method == "GET" else {"data": body or {}, "format": "json"}
    return getattr(client, method.lower())(address(ENDPOINTS[name]), HTTP_IF_MATCH='"1"', **given)


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def test_every_writing_method_says_what_it_does():
    silent = {(name, method) for name, method in OFFERED if method != "GET" and not action_of(name, method)}
    assert silent == set(WITHOUT_ACTION)
    for name, method in OFFERED:
        action = action_of(name, method)
        assert action is None or action in table(), (name, method)


@pytest.mark.parametrize("group", [*GROUPS, "none"])
def test_a_group_may_do_what_its_actions_say_and_nothing_else(members, group):
    user, client = members[group], client_of(members[group])
    for name, method in OFFERED:
        action, response = action_of(name, method), asked(client, method, name)
        allowed = action is None or may(user, action)
        assert (response.status_code != 403) == allowed, (name, method, response.content)
        if not allowed:
            assert action in problem(response, 403)["detail"]


def test_what_a_group_may_not_do_leaves_nothing(members):
    before = Entry.objects.count()
    for group in ("auditor", "none"):
        for name, method in OFFERED:
            if method != "GET":
                asked(client_of(members[group]), method, name)
    assert Entry.objects.count() == before


@pytest.mark.parametrize(("name", "method"), [one for one in OFFERED if action_of(*one)])
def test_a_token_needs_the_scope_of_what_it_does(with_token, cast, name, method):
    action = action_of(name, method)
    user = create_person("omni", handle="omni", groups=GROUPS, actor=ADA)
    cast.users["omni"] = user
    without = with_token("omni", *(scope for scope in table() if scope != action))
    assert action in problem(asked(without, method, name), 403)["detail"]
    response = asked(with_token("omni", action), method, name)
    assert response.status_code != 403 or "sign in" in response.json()["detail"]


def test_a_scope_gives_no_right_that_the_person_lacks(with_token):
    client = with_token("otto", *table())
    for name, method in OFFERED:
        if action_of(name, method):
            assert asked(client, method, name).status_code == 403, (name, method)


def test_strangers_and_closed_accounts_get_in_nowhere(members, cast):
    stray = client_of(User.objects.create_user("stray"))
    closed = client_of(cast.eno)
    deactivate(cast.eno.account, actor=ADA)
    for name, method in OFFERED:
        if name not in EVERYBODY:
            unsigned = 400 if (name, method) in OPEN else 401
            assert asked(APIClient(), method, name).status_code == unsigned, (name, method)
            assert asked(stray, method, name).status_code == 403, (name, method)
            assert asked(closed, method, name).status_code in (unsigned, 403), (name, method)


def test_methods_that_are_not_offered_are_refused_as_problems(members):
    client = client_of(members["engineer"])
    for name in ENDPOINTS:
        for method in METHODS:
            if (name, method.upper()) not in OFFERED:
                response = asked(client, method.upper(), name)
                problem(response, 405)
                assert response["Allow"]


@pytest.mark.parametrize("kind", sorted(set(kinds.KINDS) - {"release"}))
@pytest.mark.parametrize("state", ["draft", "sealed"])
def test_a_kind_is_written_by_its_groups(members, kind, state):
    body = {"kind": kind, "slug": "thing", "content": {}, "state": state}
    action = "registry:version:draft" if state == "draft" else "registry:version:register"
    for group, user in members.items():
        response = asked(client_of(user), "POST", "versions", body)
        allowed = may(user, write_action(kind)) and may(user, action)
        assert (response.status_code != 403) == allowed, (group, response.content)


def test_a_token_drafts_or_registers_by_its_scope(with_token):
    body = {"kind": "constitution", "slug": "house", "content": CONSTITUTION}
    drafts, registers = (with_token("polly", f"registry:version:{what}") for what in ("draft", "register"))
    problem(asked(registers, "POST", "versions", body), 403)
    problem(asked(drafts, "POST", "versions", {**body, "state": "sealed"}), 403)
    assert asked(drafts, "POST", "versions", body).status_code == 201


NAMES_ALONE = {"version-lineage"}
"""Addresses of a version that show names and digests, which are public, and no content."""


@pytest.fixture
def secret(cast):
    """A restricted constitution of polly's, in two versions, at the address that VALUES say."""
    constitution()
    content = {**CONSTITUTION, "title": "Heliotrope"}
    return actions.register("constitution", "house", content, restricted=True, actor=POLLY)


def test_a_restricted_version_is_read_nowhere(secret, signed_in, monkeypatch):
    monkeypatch.setitem(VALUES, "number", "2")
    monkeypatch.setitem(VALUES, "digest", secret.digest)
    doors = {name for name, endpoint in ENDPOINTS.items() if issubclass(endpoint.callback.cls, VersionDoor)}
    here = {name for name in doors if name.startswith("version")} | {"version-by-digest", "content"}
    for reader, closed in (
        ("otto", True),
        ("mara", True),
        ("ravi", False),
        ("axel", False),
        ("polly", False),
    ):
        client = signed_in(reader)
        for name in sorted(here - NAMES_ALONE):
            if (name, "GET") in OFFERED:
                assert (asked(client, "GET", name).status_code == 403) == closed, (reader, name)
        found = client.get(f"{V1}/versions/find/?subject={secret.subject}")
        assert (found.status_code == 403) == closed
        for name in sorted(here):
            if (name, "GET") in OFFERED and closed:
                assert b"Heliotrope" not in asked(client, "GET", name).content, name
    assert b"Heliotrope" not in signed_in("otto").get(f"{V1}/versions/?slug=house").content


def test_whoever_may_not_read_it_changes_it_neither(secret, signed_in, monkeypatch):
    monkeypatch.setitem(VALUES, "number", "2")
    problem(asked(signed_in("mara"), "POST", "version-revoke", {"reason": "x"}), 403)
    problem(asked(signed_in("mara"), "POST", "version-submit"), 403)
    assert lookup.find(secret.subject).state == "sealed"
    assert asked(signed_in("ravi"), "POST", "version-revoke", {"reason": "Leaked."}).status_code == 200


def test_an_id_of_something_else_is_not_there(db, cast, signed_in, tmp_path):
    built = world.build(tmp_path)
    other = model(tmp_path, "other", tensors={"a": [5.0]})
    otto = signed_in("otto")
    mine = {entry["sha256"] for entry in built.tuned.content["files"]}
    sha256 = next(entry["sha256"] for entry in other.content["files"] if entry["sha256"] not in mine)
    problem(otto.get(f"{V1}/versions/model/tuned/1/files/{sha256}/"), 404)
    assert otto.get(f"{V1}/versions/model/other/1/files/{sha256}/").status_code == 200
    activity = otto.get(f"{V1}/activities/?kind=import").json()["results"][0]["id"]
    for place in (
        f"runs/{activity}/",
        f"evaluations/{activity}/",
        f"releases/assistant/1/reports/{activity}/",
    ):
        problem(otto.get(f"{V1}/{place}"), 404)
    problem(otto.get(f"{V1}/releases/tuned/1/gate/"), 404)
    assert not GateReport.objects.exists()


UNASKED = {
    "id": "00000000-0000-4000-8000-000000000000",
    "ledger_rev": 7,
    "ledger_head": "0" * 64,
    "number": 9,
    "created_by": "mara",
    "requested_by": "mara",
    "by": "person:mara",
    "actor": "person:mara",
    "authors": [],
    "reviewer": "ravi",
    "sealed_at": "2020-01-01T00:00:00Z",
    "started_at": "2020-01-01T00:00:00Z",
    "is_superuser": True,
    "is_staff": True,
    "account": "root",
    "revoked": False,
    "secret": "charter_x",
    "verdict": "passed",
    "recorded_by": "worker",
    "spec_digest": "0" * 64,
}


def test_no_body_takes_a_field_that_it_does_not_offer(members, signed_in):
    """Whatever a stranger adds to a good body is named and refused, and nothing is done."""
    user = create_person("omni", handle="omni", groups=GROUPS, actor=MARA)
    client, tried = client_of(user), 0
    document = APIClient().get(f"{V1}/schema/").json()
    before = Entry.objects.count()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            content = told.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or method == "get":
                continue
            name = content["schema"]["$ref"].rsplit("/", 1)[1]
            good = next(iter(content["examples"].values()))["value"]
            offered = document["components"]["schemas"][name]["properties"]
            for field in UNASKED.keys() - offered.keys():
                send = getattr(client, method)
                filled = path.format(**{**VALUES, "handle": "only-auditor"})
                response = send(filled, {**good, field: UNASKED[field]}, format="json", HTTP_IF_MATCH="*")
                if response.status_code != 404:
                    assert response.status_code in (400, 422), (path, field, response.content)
                    assert field in fields(response.json()), (path, field)
                    tried += 1
    assert tried > 100
    assert Entry.objects.count() == before
