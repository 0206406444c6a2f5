"""Whatever a stranger sends is a refusal with a sentence: never a 500, and nothing is kept."""

import pytest
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.registry.models import Version
from tests.api.conftest import V1, problem
from tests.builders import constitution

BODIES = {
    "empty": b"",
    "not UTF-8": b'{"kind": "\xff\xfe"}',
    "not JSON": b"{'kind': 1}",
    "NUL": b'{"kind": "constitution", "slug": "a", "content": {"title": "\\u0000"}}',
    "NUL in a key": b'{"kind": "constitution", "slug": "a", "content": {"\\u0000": 1}}',
    "lone surrogate": b'{"kind": "constitution", "slug": "a", "content": {"title": "\\ud800"}}',
    "lone surrogate as a field": b'{"\\ud800": 1}',
    "huge integer": b'{"kind": "constitution", "slug": "a", "content": {"title": 1' + b"0" * 5000 + b"}}",
    "integer beyond 2**53": b'{"kind": "constitution", "slug": "a", "content": {"title": 9007199254740993}}',
    "huge exponent": b'{"kind": "constitution", "slug": "a", "content": {"title": 1e999999}}',
    "endless exponent": b'{"kind": "constitution", "slug": "a", "content": {"title": 1e99999999999999999999999}}',
    "infinity": b'{"kind": "constitution", "slug": "a", "content": {"title": Infinity}}',
    "key twice": b'{"kind": "constitution", "kind": "dataset"}',
    "non-ASCII key": '{"kind": "constitution", "slug": "a", "content": {"é": 1}}'.encode(),
    "nested": b'{"kind": "constitution", "slug": "a", "content": {"title": '
    + b"[" * 400
    + b"]" * 400
    + b"}}",
    "nested without end": b"[" * 200_000,
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "text": b'"text"',
    "wrong types": b'{"kind": {}, "slug": [], "content": 1, "title": {}, "state": [], "restricted": {}}',
}


@pytest.fixture
def polly(signed_in):
    return signed_in("polly")


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("state", ["draft", "sealed"])
def test_a_body_that_makes_no_sense_is_refused(polly, name, state):
    before = Entry.objects.count()
    body = BODIES[name].replace(b'"slug": "a"', f'"slug": "a", "state": "{state}"'.encode())
    response = polly.generic("POST", f"{V1}/versions/", body, content_type="application/json")
    assert response.status_code in (400, 422), response.content
    problem(response, response.status_code)
    assert Entry.objects.count() == before
    assert not Version.objects.exists()


def test_a_body_beyond_the_limit_is_refused(polly, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    problem(
        polly.generic(
            "POST", f"{V1}/versions/", b'{"x": "' + b"y" * 100_000, content_type="application/json"
        ),
        413,
    )


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/json; charset=utf-16", "a/b; c", "multipart/form-data"]
)
def test_another_kind_of_body_is_refused(polly, content_type):
    response = polly.generic(
        "POST", f"{V1}/versions/", b'{"kind": "constitution"}', content_type=content_type
    )
    assert response.status_code in (400, 415)
    problem(response, response.status_code)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=x; charset=nonsense",
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\x00b"\r\n\r\nx\r\n--x--\r\n',
        b"\xff" * 100,
    ],
)
def test_a_broken_form_is_refused(polly, content_type, body):
    response = polly.generic("POST", f"{V1}/versions/upload/", body, content_type=content_type)
    assert response.status_code in (400, 415), response.content
    problem(response, response.status_code)


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=%FF",
        "q=" + "x" * 201,
        "kind=%00",
        "kind=",
        "cursor=%00",
        "cursor=" + "9" * 4400,
        "cursor=",
        "page_size=1&page_size=x",
        "page=1",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(polly, query):
    response = polly.get(f"{V1}/artifacts/?{query}")
    if query != "q=%FF":  # read as the replacement character, which is a letter like any other
        problem(response, 400)


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.5, text/*", "text/\xff;;q=nonsense"])
def test_a_form_that_there_is_not_is_not_given(polly, accept):
    constitution()
    response = polly.get(f"{V1}/versions/constitution/house/1/", headers={"Accept": accept})
    assert "application/json" in problem(response, 406)["detail"]


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, */*;q=0.1", "application/json", ""])
def test_the_form_that_there_is_is_given(polly, accept):
    constitution()
    response = polly.get(f"{V1}/versions/constitution/house/1/", headers={"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "If-None-Match"])
def test_odd_headers_do_not_matter(polly, header):
    constitution()
    response = polly.get(f"{V1}/versions/constitution/house/1/", headers={header: "text/\xff;;q=nonsense"})
    assert response.status_code == 200


@pytest.mark.parametrize("length", ["x", "-1", "9" * 30])
def test_an_odd_length_is_refused(polly, length):
    response = polly.generic(
        "POST",
        f"{V1}/versions/upload/",
        b"x",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=length,
    )
    problem(response, 413)


def test_a_body_without_length_is_refused(polly):
    given = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    told = problem(
        polly.generic("POST", f"{V1}/versions/", b"{}", content_type="application/json", **given), 411
    )
    assert "Content-Length" in told["detail"]


def test_a_stranger_learns_nothing_from_bodies(db):
    problem(APIClient().generic("POST", f"{V1}/versions/", b"\xff", content_type="application/json"), 401)
