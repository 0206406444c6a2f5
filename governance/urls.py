from django.urls import path, re_path, register_converter

from governance import converters
from governance.views import (
    account,
    artifacts,
    cards,
    compose,
    erasures,
    health,
    home,
    ledger,
    lineage,
    new,
    proofs,
    releases,
    rows,
    search,
    tlog,
    versions,
)

register_converter(converters.NameConverter, "name")
register_converter(converters.SubjectConverter, "subject")
register_converter(converters.TextConverter, "text")

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", home.home, name="home"),
    path("new/", new.choose, name="new"),
    path("new/<slug:kind>/", new.register, name="new-version"),
    path("account/", account.account, name="account"),
    path("account/tokens/", account.make_token, name="token-make"),
    path("account/tokens/<uuid:token_id>/revoke/", account.revoke_token, name="token-revoke"),
    path("search/", search.results, name="search"),
    path("artifacts/", artifacts.artifact_list, name="artifact-list"),
    path("artifacts/<name:name>/", artifacts.artifact_detail, name="artifact"),
    path("versions/<subject:subject>/", versions.version_detail, name="version"),
    path("versions/<subject:subject>/rows/", rows.dataset_rows, name="dataset-rows"),
    path("versions/<subject:subject>/diff/", versions.version_diff, name="version-diff"),
    path("versions/<subject:subject>/lineage/", lineage.lineage, name="lineage"),
    path("versions/<subject:subject>/submit/", versions.version_submit, name="version-submit"),
    path("versions/<subject:subject>/decide/", versions.version_decide, name="version-decide"),
    path("versions/<subject:subject>/revoke/", versions.version_revoke, name="version-revoke"),
    path("versions/<subject:subject>/erase/", erasures.version_erase, name="version-erase"),
    path("erasures/", erasures.erasure_list, name="erasure-list"),
    path("erasures/<uuid:erasure_id>/", erasures.erasure_detail, name="erasure"),
    path("erasures/<uuid:erasure_id>/confirm/", erasures.erasure_confirm, name="erasure-confirm"),
    path("releases/new/", compose.compose, name="compose"),
    path("releases/<subject:subject>/", releases.release, name="release"),
    path("releases/<subject:subject>/gate/", releases.run, name="release-gate"),
    path("cards/<subject:subject>/", cards.card, name="card"),
    path("cards/<subject:subject>/bundle/", cards.bundle, name="bundle"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/entries/<int:index>/", proofs.entry, name="entry"),
    path("ledger/entries/<int:index>/bundle/", proofs.entry_bundle, name="entry-bundle"),
    path("ledger/objects/<text:kind>/<text:key>/", proofs.history, name="ledger-object"),
    path("ledger/checkpoint", tlog.checkpoint, name="tlog-checkpoint"),
    re_path(rf"^ledger/tile/(?P<level>0|[1-9][0-9]?)/{tlog.PLACE}$", tlog.tile, name="tlog-tile"),
    re_path(rf"^ledger/tile/entries/{tlog.PLACE}$", tlog.entries, name="tlog-entries"),
    re_path(rf"^ledger/parts/{tlog.PLACE}$", tlog.parts, name="tlog-parts"),
]
