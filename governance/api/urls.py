"""Addresses of the registry, the ledger, releases and accounts below /api/v1/."""

from django.urls import URLPattern, path, re_path

from governance.api import (
    accounts,
    activities,
    artifacts,
    cards,
    erasures,
    ledger,
    releases,
    rows,
    search,
    tokens,
    uploads,
    watch,
)

VERSION = r"^versions/(?P<kind>[a-z-]+)/(?P<slug>[A-Za-z0-9._-]{1,80})/(?P<number>[0-9]{1,9})/"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MONITOR = r"^ledger/monitors/(?P<slug>[a-z0-9.-]{1,60})/"
RELEASE = r"^releases/(?P<slug>[A-Za-z0-9._-]{1,80})/(?P<number>[0-9]{1,9})/"

urlpatterns: list[URLPattern] = [
    path("me/", tokens.Me.as_view(), name="me"),
    path("accounts/", accounts.AccountList.as_view(), name="accounts"),
    path("accounts/<slug:handle>/", accounts.AccountOne.as_view(), name="account"),
    path("accounts/<slug:handle>/groups/", accounts.AccountGroups.as_view(), name="account-groups"),
    path(
        "accounts/<slug:handle>/deactivate/", accounts.AccountDeactivate.as_view(), name="account-deactivate"
    ),
    path("tokens/", tokens.TokenList.as_view(), name="tokens"),
    path("tokens/<uuid:id>/revoke/", tokens.TokenRevoke.as_view(), name="token-revoke"),
    path("search/", search.Search.as_view(), name="search"),
    path("kinds/", artifacts.KindList.as_view(), name="kinds"),
    path("artifacts/", artifacts.ArtifactList.as_view(), name="artifacts"),
    re_path(
        r"^artifacts/(?P<kind>[a-z-]+)/(?P<slug>[A-Za-z0-9._-]{1,80})/$",
        artifacts.ArtifactOne.as_view(),
        name="artifact",
    ),
    path("versions/", artifacts.VersionList.as_view(), name="versions"),
    path("versions/upload/", uploads.Upload.as_view(), name="upload"),
    path("versions/find/", artifacts.VersionFind.as_view(), name="version-find"),
    re_path(
        r"^versions/by-digest/(?P<digest>[0-9a-f]{64})/$",
        artifacts.VersionByDigest.as_view(),
        name="version-by-digest",
    ),
    re_path(r"^contents/(?P<digest>[0-9a-f]{64})/$", artifacts.ContentByDigest.as_view(), name="content"),
    re_path(rf"{VERSION}$", artifacts.VersionOne.as_view(), name="version"),
    re_path(rf"{VERSION}submit/$", artifacts.Submit.as_view(), name="version-submit"),
    re_path(rf"{VERSION}approve/$", artifacts.Approve.as_view(), name="version-approve"),
    re_path(rf"{VERSION}refuse/$", artifacts.Refuse.as_view(), name="version-refuse"),
    re_path(rf"{VERSION}revoke/$", artifacts.Revoke.as_view(), name="version-revoke"),
    re_path(rf"{VERSION}lineage/$", artifacts.Lineage.as_view(), name="version-lineage"),
    re_path(rf"{VERSION}diff/$", artifacts.Diff.as_view(), name="version-diff"),
    re_path(rf"{VERSION}rows/$", rows.RowList.as_view(), name="version-rows"),
    re_path(rf"{VERSION}files/$", artifacts.FileList.as_view(), name="version-files"),
    re_path(
        rf"{VERSION}files/(?P<sha256>[0-9a-f]{{64}})/$", artifacts.FileOne.as_view(), name="version-file"
    ),
    re_path(rf"{VERSION}card/$", cards.CardOne.as_view(), name="version-card"),
    re_path(rf"{VERSION}bundle/$", cards.BundleOne.as_view(), name="version-bundle"),
    path("activities/", activities.ActivityList.as_view(), name="activities"),
    path("activities/<uuid:id>/", activities.ActivityOne.as_view(), name="activity"),
    path("activities/<uuid:id>/end/", activities.ActivityEnd.as_view(), name="activity-end"),
    path("erasures/", erasures.ErasureList.as_view(), name="erasures"),
    path("erasures/<uuid:id>/", erasures.ErasureOne.as_view(), name="erasure"),
    path("erasures/<uuid:id>/plan/", erasures.ErasurePlan.as_view(), name="erasure-plan"),
    path("erasures/<uuid:id>/confirm/", erasures.ErasureConfirm.as_view(), name="erasure-confirm"),
    path("ledger/trust/", ledger.Trust.as_view(), name="trust"),
    path("ledger/watch/", watch.Watch.as_view(), name="watch"),
    re_path(rf"{MONITOR}$", watch.MonitorReport.as_view(), name="monitor-report"),
    re_path(rf"{MONITOR}end/$", watch.MonitorEnd.as_view(), name="monitor-end"),
    path("ledger/checkpoints/", ledger.CheckpointList.as_view(), name="checkpoints"),
    path("ledger/checkpoints/<int:size>/", ledger.CheckpointOne.as_view(), name="checkpoint-one"),
    path("ledger/consistency/", ledger.Consistency.as_view(), name="consistency"),
    path("ledger/checkpoint/", ledger.NewestCheckpoint.as_view(), name="checkpoint"),
    path("ledger/entries/", ledger.EntryList.as_view(), name="entries"),
    re_path(
        r"^ledger/entries/(?P<place>[0-9]{1,19}|[0-9a-f]{64})/$", ledger.EntryOne.as_view(), name="entry"
    ),
    path("releases/", releases.ReleaseList.as_view(), name="releases"),
    re_path(rf"{RELEASE}gate/$", releases.Gate.as_view(), name="release-gate"),
    re_path(rf"{RELEASE}reports/$", releases.ReportList.as_view(), name="release-reports"),
    re_path(rf"{RELEASE}reports/(?P<id>{UUID})/$", releases.ReportOne.as_view(), name="release-report"),
    re_path(rf"{RELEASE}identity/$", releases.Identity.as_view(), name="release-identity"),
]
