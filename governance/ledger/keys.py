"""The ledger's signing key, from the environment (LEDGER_KEY) or a file that only its owner can read; and its policy."""

import os
from pathlib import Path

from django.conf import settings

from governance.ledger.note import NoteError, VerifierKey
from governance.ledger.policy import LogKey, Policy
from governance.ledger.signing import SignerKey


class KeyUnavailable(Exception):
    """The private key is not to be had in this process."""


def private_path() -> Path:
    return Path(settings.LEDGER_DIR) / "signer.key"


def policy_path() -> Path:
    return Path(settings.LEDGER_DIR) / "policy.txt"


def signer() -> SignerKey:
    """The private key. Raises KeyUnavailable, saying why and what to do."""
    text = os.environ.get("LEDGER_KEY") or _private_text()
    try:
        key = SignerKey.parse(text)
    except NoteError as error:
        raise KeyUnavailable(f"the ledger's private key is unusable: {error}") from error
    if key.name != settings.LEDGER_ORIGIN:
        raise KeyUnavailable(
            f"the ledger's key is named {key.name!r}, but LEDGER_ORIGIN is {settings.LEDGER_ORIGIN!r};"
            " they must be equal"
        )
    return key


def policy() -> Policy:
    """Whose checkpoints count. Raises KeyUnavailable when no key is known."""
    try:
        return Policy.parse(policy_path().read_text())
    except NoteError as error:
        raise KeyUnavailable(f"{policy_path()} is unusable: {error}") from error
    except PermissionError as error:
        raise KeyUnavailable(f"this user may not read the ledger's policy at {policy_path()}") from error
    except FileNotFoundError:
        return Policy.of(signer().verifier)


def verifiers() -> list[VerifierKey]:
    """The public keys that have ever signed for the ledger. Raises KeyUnavailable when there is none."""
    return policy().keys


def generate() -> VerifierKey:
    """Make the key unless there is one already, and write the policy that names it. Overwrites neither."""
    if not (os.environ.get("LEDGER_KEY") or private_path().exists()):
        private_path().parent.mkdir(parents=True, exist_ok=True)
        _write_private(SignerKey.generate(settings.LEDGER_ORIGIN))
    verifier = signer().verifier
    policy_path().parent.mkdir(parents=True, exist_ok=True)
    if not policy_path().exists():
        policy_path().write_text(LogKey(verifier).text)
    return verifier


def _write_private(key: SignerKey) -> None:
    handle = os.open(private_path(), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{key.text}\n")
        file.flush()
        os.fsync(file.fileno())


def _private_text() -> str:
    path = private_path()
    try:
        with path.open() as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            text = file.read()
    except FileNotFoundError as error:
        raise KeyUnavailable(
            f"there is no ledger key at {path}; make one with `manage.py ledger keygen`"
        ) from error
    except PermissionError as error:
        raise KeyUnavailable(f"this user may not read the ledger key at {path}") from error
    if mode & 0o077:
        raise KeyUnavailable(f"{path} can be read by others (mode {mode:o}); run `chmod 600 {path}`")
    return text.strip()
