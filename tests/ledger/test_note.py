import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.ledger.note import (
    NoteError,
    TreeHead,
    VerifierKey,
    decode64,
    open_checkpoint,
    open_note,
)
from governance.ledger.signing import SignerKey, sign_note

# The key pair of Go's golang.org/x/mod/sumdb/note documentation and tests.
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = SignerKey("charter.test/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SignerKey.generate("charter.test/log")
HEAD = TreeHead(KEY.name, 5, b"\1" * 32)


def test_signs_as_go_does():
    key = SignerKey.parse(PETER_SECRET)
    assert key.verifier.text == PETER
    assert key.text == PETER_SECRET
    body = open_note(PETER_NOTE, [VerifierKey.parse(PETER)])
    assert sign_note(body, key) == PETER_NOTE


def test_key_texts_read_back():
    assert VerifierKey.parse(KEY.verifier.text) == KEY.verifier
    assert SignerKey.parse(KEY.text).verifier == KEY.verifier


def test_no_secret_in_messages():
    secret = KEY.text.split("+", 4)[4]
    assert secret not in repr(KEY)
    for text in (KEY.text + "x", KEY.text[:-4] + "!!!!", KEY.text.replace(KEY.verifier.id.hex(), "00000000")):
        with pytest.raises(NoteError) as refusal:
            SignerKey.parse(text)
        assert secret[:12] not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "na me+00000000+AAAA",
        KEY.verifier.text.replace(KEY.verifier.id.hex(), "00000000"),
        KEY.verifier.text[:-4],
        KEY.verifier.text + "A",
    ],
)
def test_malformed_keys_are_refused(text):
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_no_key_gets_a_name_that_a_note_cannot_carry(name):
    with pytest.raises(NoteError):
        SignerKey.generate(name)


def test_checkpoint():
    assert open_checkpoint(sign_note(HEAD.text, KEY), [KEY.verifier]) == HEAD


def test_a_note_by_somebody_else_is_refused():
    with pytest.raises(NoteError, match="not signed by"):
        open_note(sign_note(HEAD.text, OTHER), [KEY.verifier])
    with pytest.raises(NoteError, match="no key was given"):
        open_note(sign_note(HEAD.text, KEY), [])


def test_the_origin_must_sign_itself():
    elsewhere = TreeHead("somewhere.else/log", 5, b"\1" * 32)
    with pytest.raises(NoteError):
        open_checkpoint(sign_note(elsewhere.text, KEY), [KEY.verifier])


def test_unknown_signatures_are_passed_over_and_wrong_ones_are_not():
    note, stranger = sign_note(HEAD.text, KEY), sign_note(HEAD.text, OTHER).rpartition("\n\n")[2]
    assert open_note(note + stranger, [KEY.verifier]) == HEAD.text
    forged = base64.b64encode(KEY.verifier.id + b"\0" * 64).decode()
    with pytest.raises(NoteError, match="does not fit"):
        open_note(f"{note}— {KEY.name} {forged}\n", [KEY.verifier])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note[:-1],
        lambda note: note + "\n",
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\n5\n", "\n05\n"),
        lambda note: note.replace("\n5\n", "\n6\n"),
        lambda note: note.replace("\n5\n", "\n5\r\n"),
        lambda note: note.replace("=\n\n", "\n\n"),
    ],
)
def test_spoilt_checkpoints_are_refused(spoil):
    with pytest.raises(NoteError):
        open_checkpoint(spoil(sign_note(HEAD.text, KEY)), [KEY.verifier])


def test_base64_has_one_form():
    assert decode64("AAA=") == b"\0\0"
    for text in ("AAB=", "AAA", "AA A=", "AAA=\n", "A-A="):
        with pytest.raises(NoteError):
            decode64(text)
