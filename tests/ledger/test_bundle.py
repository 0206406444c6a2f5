import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.ledger.bundle import BundleError, read, write

NAMES = st.from_regex(r"(d[0-9]/)?f[a-z0-9]{1,5}\.txt", fullmatch=True)
MEMBERS = {"a.txt": b"one", "b/c.json": b"{}", "empty": b""}


@given(st.dictionaries(NAMES, st.binary(max_size=50), min_size=1, max_size=6))
def test_reads_back(members):
    data = write(members)
    assert read(data) == members
    assert write(dict(reversed(members.items()))) == data


def test_ordinary_tools_can_open_it():
    with zipfile.ZipFile(io.BytesIO(write(MEMBERS))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == MEMBERS
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_every_flipped_bit_is_refused():
    data = write(MEMBERS)
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(BundleError):
            read(bytes(flipped))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\0" + data,
        lambda data: data[:20],
        lambda data: b"",
        lambda data: b"PK\5\6" + b"\0" * 18,
    ],
)
def test_cut_or_lengthened_files_are_refused(spoil):
    with pytest.raises(BundleError):
        read(spoil(write(MEMBERS)))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zips_by_other_tools_are_refused(compression):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError):
        read(buffer.getvalue())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "a/",
        "a\\b",
        "ä",
        "a b",
        ".hidden",
        "a/./b",
        "c:x",
        "a" * 201,
        "a..b",
    ],
)
def test_names_that_lead_astray_are_refused(name):
    with pytest.raises(BundleError):
        write({name: b""})


@pytest.mark.parametrize("names", [("a", "A"), ("a", "a/b"), ("a.txt", "A.TXT")])
def test_names_that_cannot_stand_side_by_side_are_refused(names):
    with pytest.raises(BundleError, match="side by side"):
        write(dict.fromkeys(names, b""))


def test_a_member_twice_is_refused():
    twice = write({"a": b"1", "b": b"2"}).replace(b"b", b"a")
    with pytest.raises(BundleError, match="twice"):
        read(twice)


def test_an_empty_bundle_is_refused():
    with pytest.raises(BundleError):
        write({})
