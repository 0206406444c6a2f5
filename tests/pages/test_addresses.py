"""Misspelt, malicious and absurd addresses: told what is nearest, never a fault of ours."""

PARAMETERS = (
    *("page", "q", "kind", "state", "stage", "type", "op", "task", "only", "against", "format"),
    *("a", "b", "after", "event", "next", "start"),
    *("before", "subject", "actor", "since", "until", "group", "waiting", "sort"),
    *("deployment", "at", "hash"),
    *("to", "view", "show", "layout", "direction", "ancestry", "depth"),
)
ABSURD = ("a\0b", "9" * 5000, "-1", "٣", "é" * 500, "%' OR 1=1 --")


NEAREST = {
    "/versions/constitution:hous@1/": "Did you mean constitution:house",
    "/artifacts/model:tund/": "Did you mean model:tuned",
    "/cards/dataset:chat@1/": "Did you mean dataset:chats",
    "/releases/release:assistent@1/": "Did you mean release:assistant",
    "/versions/constitution:house@9/": "constitution:house has no version 9; versions: 1, 2.",
    "/versions/constituton:house@1/": "constituton",
    "/versions/model:tuned@1/diff/": "model:tuned@1 is the only version of model:tuned",
    "/releases/model:tuned@1/": "model:tuned@1 is no sealed release",
    "/cards/constitution:house@1/": "constitution",
    "/ledger/entries/99999/": "The ledger has no entry 99999 yet.",
}
NOWHERE = (
    "/nothing/",
    "/versions/model:tuned/",
    "/versions/model:tuned@99999999999/",
    f"/ledger/entries/{'9' * 400}/",
    "/ledger/entries/-1/",
    "/runs/00000000-0000-4000-8000-000000000000/",
    "/runs/00000000-0000-4000-8000-000000000000/stream/",
    "/runs/7/",
    "/evaluations/00000000-0000-4000-8000-000000000000/",
    "/comparison/?a=00000000-0000-4000-8000-000000000000&b=00000000-0000-4000-8000-000000000000",
    "/artifacts/model:%00/",
    "/artifacts/model:tuned%0A/",
    "/versions/../../etc/passwd",
    "/%ff%fe/",
)


def test_no_query_string_is_a_fault_of_ours(world, signed_in):
    client = signed_in("axel")
    addresses = {*world.addresses.values(), "/accounts/login/", f"/runs/{world.run.pk}/stream/"}
    for value in ABSURD:
        for address in sorted(addresses):
            response = client.get(address, dict.fromkeys(PARAMETERS, value))
            assert response.status_code in {200, 302, 400, 404, 409}, (address, value)


def test_what_is_not_there_says_what_is(world, signed_in):
    client = signed_in("axel")
    for address, said in NEAREST.items():
        response = client.get(address)
        assert response.status_code == 404, address
        assert said in response.content.decode(), address


def test_nothing_else_is_anywhere(world, signed_in):
    client = signed_in("axel")
    for address in NOWHERE:
        response = client.get(address)
        assert response.status_code == 404, address
        assert "There is nothing at this address" in response.content.decode(), address
