"""The ledger's signing key, from the environment (LEDGER_KEY) or a file that only its owner can read; and its policy."""

import dataclasses
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


def retiring_path() -> Path:
    """The key before the present one, as long as checkpoints are signed with both."""
    return Path(settings.LEDGER_DIR) / "retiring.key"


def next_path() -> Path:
    """The key after the present one, while a rotation begins."""
    return Path(settings.LEDGER_DIR) / "next.key"


def policy_path() -> Path:
    return Path(settings.LEDGER_DIR) / "policy.txt"


def signer() -> SignerKey:
    """The private key. Raises KeyUnavailable, saying why and what to do."""
    key = _parsed(os.environ.get("LEDGER_KEY") or private_text(private_path()))
    if key.name != settings.LEDGER_ORIGIN:
        raise KeyUnavailable(
            f"the ledger's key is named {key.name!r}, but LEDGER_ORIGIN is {settings.LEDGER_ORIGIN!r};"
            " they must be equal"
        )
    return key


def signers() -> list[SignerKey]:
    """The keys that a checkpoint is signed with now: during a rotation, the one before too. Raises KeyUnavailable."""
    present = signer()
    return [present, _parsed(private_text(retiring_path()))] if retiring_path().exists() else [present]


def policy() -> Policy:
    """Whose checkpoints count. Raises KeyUnavailable when no key is known, and for a policy that cannot be read."""
    try:
        return Policy.parse(policy_path().read_text())
    except (NoteError, UnicodeDecodeError) as error:
        raise KeyUnavailable(f"{policy_path()} is unusable: {error}") from error
    except PermissionError as error:
        raise KeyUnavailable(f"this user may not read the ledger's policy at {policy_path()}") from error
    except FileNotFoundError:
        return Policy.of(signer().verifier)
    except OSError as error:
        raise KeyUnavailable(f"{policy_path()} cannot be read: {error.strerror}") from error


def policy_without_quorum() -> Policy:
    """The same policy before any witness was asked: what the log itself must accept."""
    return dataclasses.replace(policy(), quorum=0)


def verifiers() -> list[VerifierKey]:
    """The public keys that have ever signed for the ledger. Raises KeyUnavailable when there is none."""
    return policy().keys


def generate() -> VerifierKey:
    """Make the key unless there is one already, and write the policy that names it. Overwrites neither."""
    policy_path().parent.mkdir(parents=True, exist_ok=True)
    if next_path().exists():
        raise KeyUnavailable("a rotation died half way; run `manage.py ledger rotate` again, which ends it")
    if not (os.environ.get("LEDGER_KEY") or private_path().exists()):
        if policy_path().exists():
            raise KeyUnavailable(
                f"the ledger's private key is gone, although {policy_path()} names it; restore the key from its backup."
                " Another one could not sign for this log"
            )
        write_private(private_path(), SignerKey.generate(settings.LEDGER_ORIGIN))
    verifier = signer().verifier
    if not policy_path().exists():
        replace(policy_path(), LogKey(verifier).text)
    if verifier not in policy().keys:
        raise KeyUnavailable(
            f"{policy_path()} does not name the key {verifier.text}; which of the two is right?"
        )
    return verifier


def write_private(path: Path, key: SignerKey) -> None:
    """A new file that only its owner can read, there whole or not at all. Raises FileExistsError."""
    # Of this process alone, so that two at once cannot write into one file.
    fresh = path.with_suffix(f".{os.getpid()}.new")
    handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{key.text}\n")
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never takes the place of a key that is there.
        os.link(fresh, path)
    finally:
        fresh.unlink()
    sync(path.parent)


def replace(path: Path, text: str) -> None:
    """Replace a file in one step that survives a power cut."""
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parsed(text: str) -> SignerKey:
    try:
        return SignerKey.parse(text)
    except NoteError as error:
        raise KeyUnavailable(f"the ledger's private key is unusable: {error}") from error


def private_text(path: Path) -> str:
    """What a private key's file says. Raises KeyUnavailable where it is absent, no text, or others can read it."""
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
    except UnicodeDecodeError as error:
        # Without what it says of the bytes: they may be the key.
        raise KeyUnavailable(f"the ledger key at {path} is unusable: it is no text") from error
    if mode & 0o077:
        raise KeyUnavailable(f"{path} can be read by others (mode {mode:o}); run `chmod 600 {path}`")
    return text.strip()
