"""The life of the log's keys: rotate (a second key, both sign), retire (the first one ends), freeze (it was stolen).

A log also ends when entries that it signed are lost for good (abandon); after either end it goes on under another name.

Each verb may be run again after it died half way: every step looks first whether it was done. The rows say in the log
itself which keys it had; `policy.txt` says it to whoever verifies.
"""

import os
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.db import transaction

from governance.ledger import keys, signer
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.canonical import sha256_hex
from governance.ledger.events import LedgerEvent
from governance.ledger.models import Checkpoint, Head, SigningKey
from governance.ledger.note import TreeHead, VerifierKey
from governance.ledger.policy import LogKey, Policy
from governance.ledger.settle import settle
from governance.ledger.signer import Refused
from governance.ledger.signing import SignerKey


def rotate(*, actor: Actor) -> VerifierKey:
    """Bring a new key in; from now on every checkpoint is signed with both, until `retire`.

    Raises Refused during another rotation or where the key comes from the environment, KeyUnavailable without a key.
    """
    if os.environ.get("LEDGER_KEY"):
        raise Refused(
            "the key comes from LEDGER_KEY; a rotation needs it in a file, so that the old one can stay beside it"
        )
    before = keys.signer().verifier if keys.private_path().exists() else None
    if keys.retiring_path().exists() and not keys.next_path().exists():
        raise Refused("a rotation is under way already; end it with `manage.py ledger retire`")
    with signer.lock():
        if not keys.next_path().exists():
            keys.write_private(keys.next_path(), SignerKey.generate(settings.LEDGER_ORIGIN))
        fresh = SignerKey.parse(keys.private_text(keys.next_path())).verifier
        since = _size()
        if before is not None and before != fresh:
            _record(before, 0, actor)
        _record(fresh, since, actor)
        _publish(lambda policy: _with(policy, fresh, since))
        # From here on both keys sign. The old one moves first: dying in between, the next call finds next.key.
        if keys.private_path().exists():
            keys.private_path().rename(keys.retiring_path())
        keys.next_path().rename(keys.private_path())
        keys.sync(keys.private_path().parent)
    return fresh


def retire(*, actor: Actor) -> VerifierKey:
    """End a rotation: the old key signs nothing beyond the newest checkpoint, and its file goes. Raises Refused."""
    if not keys.retiring_path().exists():
        raise Refused("no rotation is under way; begin one with `manage.py ledger rotate`")
    old = SignerKey.parse(keys.private_text(keys.retiring_path())).verifier
    with signer.lock():
        row = SigningKey.objects.get(vkey=old.text)
        if row.state == SigningKey.ACTIVE:
            _end(row, SigningKey.RETIRED, _size(), "", actor)
        _publish(lambda policy: _ended(policy, old, row.until or 0))
        keys.retiring_path().unlink()
        keys.sync(keys.retiring_path().parent)
    return old


def freeze(reason: str, *, actor: Actor) -> Checkpoint:
    """End a log whose key was stolen: a last checkpoint, and never another one under this origin. Raises Refused.

    The private key's file is kept aside as evidence, unusable. The log goes on under another origin: see `resume`.
    """
    if not reason.strip():
        raise Refused("say why the log is frozen: the reason stands in it for ever")
    if signer.frozen() is not None:
        raise Refused("this log is frozen already")
    stolen = [key.verifier for key in keys.signers()]
    for key in stolen:
        row = _record(key, 0, actor)
        if row.state == SigningKey.ACTIVE:
            _end(row, SigningKey.COMPROMISED, None, reason, actor)
    last = settle()
    with signer.lock():
        for key in stolen:
            _publish(lambda policy, key=key: _ended(policy, key, last.size))  # type: ignore[misc]
        keys.replace(signer.frozen_path(), last.note)
        for path in (keys.private_path(), keys.retiring_path()):
            if path.exists():
                path.rename(path.with_suffix(".compromised"))
    return last


def abandon(reason: str, *, actor: Actor) -> TreeHead:
    """End a log whose newest signed entries are lost for good, as after a restore without them; returns what was signed.

    The key never signs under this origin again, since it could only contradict itself. An entry says what is missing.
    Raises Refused while nothing is missing, or where even the restored part is not what was signed.
    """
    if not reason.strip():
        raise Refused("say how the entries were lost: the reason stands in the log for ever")
    last, have = signer.last_signed(keys.verifiers()), Head.objects.get().size
    if last is None or last.size <= have:
        raise Refused("nothing is missing: the tree is as large as what was signed last")
    kept = Checkpoint.objects.latest("size")
    if signer.root_at(kept.size) != keys.policy_without_quorum().open(kept.note).head.root:
        raise Refused("the restored tree is not what was signed either; run `manage.py ledger verify`")
    old = [key.verifier for key in keys.signers()]
    lost = {"from": have, "to": last.size - 1, "root": last.root.hex()}
    for key in old:
        row = _record(key, 0, actor)
        if row.state == SigningKey.ACTIVE:
            _end(row, SigningKey.RETIRED, last.size, reason, actor, lost=lost)
    with signer.lock():
        for key in old:
            _publish(lambda policy, key=key: _ended(policy, key, last.size))  # type: ignore[misc]
        keys.replace(signer.frozen_path(), signer.memory_path().read_text())
        for path in (keys.private_path(), keys.retiring_path()):
            if path.exists():
                path.rename(path.with_suffix(".abandoned"))
        # Last: while the memory still names the lost entries, this verb may be run again.
        keys.replace(signer.memory_path(), kept.note)
    return last


def resume(*, actor: Actor) -> VerifierKey:
    """Go on after an end, under another LEDGER_ORIGIN: a new key, and an entry that binds it to the ended log's last head.

    The tree is the same one, so a consistency proof leads from every earlier checkpoint whose entries are there.
    Raises Refused when nothing is frozen or the origin is still the frozen one.
    """
    last = signer.frozen()
    if last is None or last.origin == settings.LEDGER_ORIGIN:
        raise Refused("a log goes on only after a freeze, and under another LEDGER_ORIGIN")
    if not keys.private_path().exists():
        keys.write_private(keys.private_path(), SignerKey.generate(settings.LEDGER_ORIGIN))
    fresh = keys.signer().verifier
    continues = {
        "origin": last.origin,
        "size": last.size,
        "root": last.root.hex(),
        "note": sha256_hex(signer.frozen_path().read_bytes()),
    }
    since = min(last.size, _size()) + 1
    _record(fresh, since, actor, continues=continues)
    _publish(lambda policy: _with(policy, fresh, since))
    return fresh


def _size() -> int:
    """How many entries the newest signed checkpoint covers."""
    last = signer.last_signed(keys.verifiers())
    return last.size if last else 0


@transaction.atomic
def _record(key: VerifierKey, since: int, actor: Actor, **summary: object) -> SigningKey:
    if row := SigningKey.objects.filter(vkey=key.text).first():
        return row
    row = SigningKey(vkey=key.text, since=since)
    append(row, op=LedgerEvent.KEY_ADDED, actor=actor, summary={"P": summary} if summary else None)
    return row


@transaction.atomic
def _end(
    row: SigningKey, state: str, until: int | None, reason: str, actor: Actor, **summary: object
) -> None:
    op = LedgerEvent.KEY_RETIRED if state == SigningKey.RETIRED else LedgerEvent.KEY_COMPROMISED
    row.state, row.until = state, until
    append(row, op=op, actor=actor, fields=["state", "until"], summary={"P": {"reason": reason, **summary}})


def _publish(change: Callable[[Policy], Policy]) -> None:
    keys.replace(keys.policy_path(), change(keys.policy()).text)


def _with(policy: Policy, key: VerifierKey, since: int) -> Policy:
    if key in policy.keys:
        return policy
    return replace(policy, log=(*policy.log, LogKey(key, since)))


def _ended(policy: Policy, key: VerifierKey, until: int) -> Policy:
    return replace(
        policy, log=tuple(replace(one, until=until) if one.key == key else one for one in policy.log)
    )
