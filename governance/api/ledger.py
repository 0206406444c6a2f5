"""The ledger for reading: its newest checkpoint, and entries with what proves them. Only public parts are shown."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door, Strict
from governance.api.pagination import Newest
from governance.ledger.export import prove
from governance.ledger.models import Checkpoint, Entry
from governance.registry.lookup import NotFound

PUBLIC = "P"
MAX_INDEX = 2**63 - 1


class CheckpointOut(serializers.Serializer[Any]):
    size = serializers.IntegerField(help_text="Number of entries under it.")
    at = serializers.DateTimeField()
    note = serializers.CharField(help_text="The signed note (C2SP tlog-checkpoint).")


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


class NewestCheckpoint(Door):
    serializer_class = CheckpointOut

    @extend_schema(operation_id="ledger_checkpoint")
    def get(self, request: Request) -> Response:
        """The newest signed head of the tree."""
        self.query()
        return Response(CheckpointOut(newest_checkpoint()).data)


class EntryList(Door):
    filters = EntryFilter
    serializer_class = EntryOut
    pagination_class = Newest

    @extend_schema(operation_id="ledger_entries", parameters=[EntryFilter], responses=EntryOut(many=True))
    def get(self, request: Request) -> Response:
        """Entries, newest first, with their public parts."""
        return self.paged(Entry.objects.filter(**self.query()))


class EntryOne(Door):
    serializer_class = EntryDetail

    @extend_schema(operation_id="ledger_entry")
    def get(self, request: Request, place: str) -> Response:
        """One entry, by its leaf index or its leaf hash (hex), with the proof that the newest checkpoint covers it."""
        self.query()
        wanted = {"leaf_hash": place} if len(place) == 64 else {"leaf_index": min(int(place), MAX_INDEX)}
        entry = Entry.objects.filter(**wanted).first()
        if entry is None:
            raise NotFound(f"The ledger has no entry {place}.")
        return Response(EntryDetail(entry).data)
