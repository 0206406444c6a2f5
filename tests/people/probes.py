"""One attempt for each action at each of its doors: page, API, admin. A probe past the gate may end in 400, 404, 409 or 422."""

from collections.abc import Iterator
from typing import NamedTuple

from config.api_urls import endpoints
from governance.people.permissions import ADMINISTRATOR, POLICY_EDITOR, table
from governance.registry import kinds
from governance.registry.access import write_action
from tests.api.test_permissions import METHODS, address

NOTHING = "00000000-0000-4000-8000-000000000000"
HERE = "constitution:house@1"


class Probe(NamedTuple):
    """`needs` are further actions, and `staff` the groups of whom the door lets in one alone."""

    method: str
    place: str
    data: dict[str, object] = {}
    needs: tuple[str, ...] = ()
    staff: frozenset[str] = frozenset()
    json: bool = False


STAFF = frozenset({ADMINISTRATOR, POLICY_EDITOR})
DRAFT, REGISTER, SUBMIT = "registry:version:draft", "registry:version:register", "reviews:version:submit"

PAGES: dict[str, list[Probe]] = {
    "cards:card:publish": [
        Probe("post", f"/cards/{HERE}/publish/"),
        Probe("post", f"/publications/{NOTHING}/withdraw/"),
    ],
    "evals:anchor:set": [Probe("post", "/versions/model:none@1/anchor/")],
    "evals:canary:close": [Probe("post", f"/canary-alarms/{NOTHING}/close/")],
    "evals:evaluation:countersign": [Probe("post", f"/evaluations/{NOTHING}/countersign/")],
    "evals:study:manage": [
        Probe("get", "/evaluations/human/new/"),
        Probe("post", f"/evaluations/human/{NOTHING}/close/"),
        Probe("post", f"/evaluations/human/{NOTHING}/cancel/"),
    ],
    "evals:study:rate": [Probe("post", f"/evaluations/human/{NOTHING}/join/")],
    "evals:suite-use:record": [Probe("post", "/versions/eval-suite:none@1/suite-use/")],
    "registry:erasure:manage": [
        Probe("get", f"/versions/{HERE}/erase/"),
        Probe("post", f"/erasures/{NOTHING}/confirm/"),
    ],
    REGISTER: [Probe("get", "/new/constitution/", needs=(write_action("constitution"),))],
    "registry:version:revoke": [Probe("post", f"/versions/{HERE}/revoke/")],
    "releases:drift:close": [Probe("post", f"/drift/{NOTHING}/close/")],
    "releases:emergency:act": [Probe("post", "/runtimes/none/emergency/")],
    "releases:emergency:review": [Probe("post", f"/emergencies/{NOTHING}/review/")],
    "releases:gate:run": [Probe("post", "/releases/release:none@1/gate/")],
    "releases:policy:try": [Probe("get", "/versions/release-policy:none@1/try/")],
    "releases:release:compose": [Probe("get", "/releases/new/")],
    "releases:runtime:create": [Probe("post", "/runtimes/")],
    "releases:runtime:retire": [Probe("post", "/runtimes/none/retire/")],
    "releases:serving:end": [Probe("post", "/runtimes/none/end/")],
    "releases:serving:start": [Probe("post", "/runtimes/none/start/")],
    "releases:waiver:grant": [Probe("post", f"/waivers/{NOTHING}/decide/", {"verdict": "grant"})],
    "releases:waiver:propose": [Probe("post", "/releases/release:none@1/waivers/")],
    "releases:waiver:withdraw": [Probe("post", f"/waivers/{NOTHING}/decide/", {"verdict": "withdraw"})],
    "reviews:artifact:set-impact": [Probe("post", f"/versions/{HERE}/impact/")],
    "reviews:comment:write": [
        Probe("post", f"/versions/{HERE}/comment/"),
        Probe("post", f"/reviews/comments/{NOTHING}/answer/"),
        Probe("post", f"/reviews/comments/{NOTHING}/resolve/"),
    ],
    "reviews:objection:answer": [Probe("post", f"/objections/{NOTHING}/answer/")],
    "reviews:version:review": [
        Probe("post", "/versions/constitution:none@1/decide/", {"verdict": "approve"})
    ],
    SUBMIT: [Probe("post", "/versions/constitution:none@1/submit/")],
    "training:run:cancel": [Probe("post", f"/runs/{NOTHING}/cancel/")],
    "training:run:launch": [
        Probe("get", "/runs/new/"),
        Probe("get", "/evaluations/new/"),
        Probe("post", f"/runs/{NOTHING}/retry/"),
        Probe("get", "/recipes/recipe:none@1/start/"),
    ],
}
ADMIN: dict[str, list[Probe]] = {
    "people:account:manage": [
        Probe("get", "/admin/people/account/", staff=STAFF),
        Probe("get", "/admin/people/account/add/", staff=STAFF),
    ],
    **{
        write_action(kind): [
            Probe("get", f"/admin/registry/{kind.replace('-', '')}/", staff=STAFF),
            Probe("get", f"/admin/registry/{kind.replace('-', '')}/add/", staff=STAFF),
        ]
        for kind in ("constitution", "guideline", "policy", "system-prompt", "card-text")
    },
}
COMMAND_ALONE = {"cards:bundle:restricted"}
"""Actions that only manage.py does."""
API_ALONE = {
    "evals:canary:manage",
    "ledger:monitor:end",
    "ledger:monitor:report",
    "people:account:manage",
    "registry:activity:record",
    DRAFT,
    "releases:runtime:report",
}
"""Actions without a page of their own: monitors, pipelines and runtimes do them, canaries are set there; drafts and accounts are the admin's."""


def api() -> Iterator[tuple[str, Probe]]:
    """(action, probe) of every endpoint that says what it does, and of writing each kind."""
    for endpoint in endpoints:
        for method in METHODS:
            if action := endpoint.callback.cls.does.get(method.upper()):
                yield action, Probe(method, address(endpoint), json=True)
    for kind in sorted(set(kinds.KINDS) - {"release"}):
        body = {"kind": kind, "slug": "thing", "content": {}}
        yield (
            write_action(kind),
            Probe("post", "/api/v1/versions/", {**body, "state": "draft"}, (DRAFT,), json=True),
        )
        yield (
            write_action(kind),
            Probe("post", "/api/v1/versions/", {**body, "state": "sealed"}, (REGISTER,), json=True),
        )


def probes() -> dict[str, list[Probe]]:
    """Action → its probes."""
    found: dict[str, list[Probe]] = {action: [] for action in table()}
    for listed in (PAGES, ADMIN):
        for action, tried in listed.items():
            found[action] += tried
    for action, probe in api():
        found[action].append(probe)
    # Releases are composed under the action of composing.
    found[write_action("release")].append(Probe("get", "/releases/new/"))
    return found
