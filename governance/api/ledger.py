"""The ledger for reading: its newest checkpoint, and entries with what proves them. Only public parts are shown."""

import json
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door, Strict
from governance.api.caching import tag_of, tagged
from governance.ledger import keys, tiles
from governance.ledger.export import prove
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.tiling import consistency, root
from governance.registry.lookup import NotFound

PUBLIC = "P"
MAX_INDEX = 2**63 - 1


class CheckpointOut(serializers.Serializer[Any]):
    size = serializers.IntegerField(help_text="Number of entries under it.")
    at = serializers.DateTimeField()
    note = serializers.CharField(help_text="The signed note (C2SP tlog-checkpoint).")


class SizesFilter(Strict):
    first = serializers.IntegerField(min_value=1, max_value=MAX_INDEX, help_text="Size of the older tree.")
    second = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_INDEX,
        help_text="Size of the newer one (default: the newest checkpoint).",
    )


class ConsistencyOut(serializers.Serializer[Any]):
    first = serializers.IntegerField()
    second = serializers.IntegerField()
    first_root = serializers.CharField(help_text="Root of the older tree (hex).")
    second_root = serializers.CharField()
    hashes = serializers.ListField(
        child=serializers.CharField(), help_text="Consistency proof of RFC 6962, 2.1.2 (hex)."
    )


class EntryFilter(Strict):
    object_type = serializers.CharField(required=False, max_length=64)
    object_id = serializers.CharField(required=False, max_length=64)
    op = serializers.CharField(required=False, max_length=100)


class EntryOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    leaf_index = serializers.IntegerField(
        allow_null=True, help_text="Place in the tree; null for a moment after it was written."
    )
    leaf_hash = serializers.CharField()
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    rev = serializers.IntegerField()
    op = serializers.CharField()
    actor = serializers.CharField()
    at = serializers.DateTimeField()
    public = serializers.SerializerMethodField(
        help_text="State and summary as the public part has them, or null."
    )

    def get_public(self, entry: Entry) -> dict[str, Any] | None:
        part = public_part(entry)
        return json.loads(part["payload"]) if part else None


class EntryDetail(EntryOut):
    body = serializers.SerializerMethodField(help_text="The exact text of the leaf (canonical JSON).")
    part = serializers.SerializerMethodField(
        help_text="The public part: SHA-256 of salt followed by payload is what the body's payload.P says."
    )
    proof = serializers.SerializerMethodField(
        help_text="C2SP tlog-proof to the newest checkpoint, or null while it covers no such entry."
    )

    def get_body(self, entry: Entry) -> str:
        return bytes(entry.body).decode()

    def get_part(self, entry: Entry) -> dict[str, str] | None:
        return public_part(entry)

    def get_proof(self, entry: Entry) -> str | None:
        checkpoint = Checkpoint.objects.order_by("-size").first()
        if checkpoint is None or entry.leaf_index is None or entry.leaf_index >= checkpoint.size:
            return None
        return prove(entry.leaf_index, checkpoint).text


def public_part(entry: Entry) -> dict[str, str] | None:
    return (entry.parts or {}).get(PUBLIC)


def newest_checkpoint() -> Checkpoint:
    """The newest signed head. Raises NotFound while nothing is signed."""
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None:
        raise NotFound("Nothing is signed yet; the signer of this installation has not run.")
    return newest


class TrustOut(serializers.Serializer[Any]):
    origin = serializers.CharField(help_text="Name of the log, which every checkpoint carries.")
    policy = serializers.CharField(
        help_text="Its keys with the sizes that each may sign, and its witnesses. Better got from somewhere else as well."
    )


class Trust(Door):
    serializer_class = TrustOut

    @extend_schema(operation_id="ledger_trust")
    def get(self, request: Request) -> HttpResponseBase:
        """Whose signatures count under a checkpoint."""
        self.query()
        shown = TrustOut({"origin": settings.LEDGER_ORIGIN, "policy": keys.policy().text}).data
        return tagged(Response(shown), tag_of(shown))


class NewestCheckpoint(Door):
    serializer_class = CheckpointOut

    @extend_schema(operation_id="ledger_checkpoint")
    def get(self, request: Request) -> HttpResponseBase:
        """The newest signed head of the tree."""
        self.query()
        return told(newest_checkpoint())


class CheckpointList(Door):
    order = ("-size",)
    serializer_class = CheckpointOut

    @extend_schema(operation_id="ledger_checkpoints", responses=CheckpointOut(many=True))
    def get(self, request: Request) -> Response:
        """Signed heads, newest first."""
        self.query()
        return self.paged(Checkpoint.objects.all())


class CheckpointOne(Door):
    serializer_class = CheckpointOut

    @extend_schema(operation_id="ledger_checkpoint_at")
    def get(self, request: Request, size: int) -> HttpResponseBase:
        """The signed head over that many entries."""
        self.query()
        found = Checkpoint.objects.filter(size=min(size, MAX_INDEX)).first()
        if found is None:
            raise NotFound(f"No checkpoint over {size} entries is signed.")
        return told(found)


def told(checkpoint: Checkpoint) -> HttpResponseBase:
    shown = CheckpointOut(checkpoint).data
    return tagged(Response(shown), tag_of(shown))


class Consistency(Door):
    filters = SizesFilter
    serializer_class = ConsistencyOut

    @extend_schema(operation_id="ledger_consistency", parameters=[SizesFilter])
    def get(self, request: Request) -> Response:
        """The proof that a newer tree extends an older one: whoever kept a checkpoint checks that nothing was rewritten."""
        wanted = self.query()
        first, second = wanted["first"], wanted.get("second") or newest_checkpoint().size
        size, read = newest_checkpoint().size, tiles.cached()
        if not first <= second <= size:
            raise serializers.ValidationError(
                {"second": f"From {first}, the older size, to {size}, the newest signed one."}
            )
        return Response(
            ConsistencyOut(
                {
                    "first": first,
                    "second": second,
                    "first_root": root(read, first).hex(),
                    "second_root": root(read, second).hex(),
                    "hashes": [one.hex() for one in consistency(read, first, second)],
                }
            ).data
        )


class EntryList(Door):
    filters = EntryFilter
    order = ("-id",)
    serializer_class = EntryOut

    @extend_schema(operation_id="ledger_entries", parameters=[EntryFilter], responses=EntryOut(many=True))
    def get(self, request: Request) -> Response:
        """Entries, newest first, with their public parts."""
        return self.paged(Entry.objects.filter(**self.query()))


class EntryOne(Door):
    serializer_class = EntryDetail

    @extend_schema(operation_id="ledger_entry")
    def get(self, request: Request, place: str) -> HttpResponseBase:
        """One entry, by its leaf index or its leaf hash (hex), with the proof that the newest checkpoint covers it."""
        self.query()
        wanted = {"leaf_hash": place} if len(place) == 64 else {"leaf_index": min(int(place), MAX_INDEX)}
        entry = Entry.objects.filter(**wanted).first()
        if entry is None:
            raise NotFound(f"The ledger has no entry {place}.")
        shown = EntryDetail(entry).data
        return tagged(Response(shown), tag_of(shown))
