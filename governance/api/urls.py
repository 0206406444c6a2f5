"""Addresses of the registry, the ledger, releases and accounts below /api/v1/."""

from django.urls import URLPattern, path, re_path

from governance.api import artifacts, cards, ledger, releases, tokens, uploads

VERSION = r"^versions/(?P<kind>[a-z-]+)/(?P<slug>[A-Za-z0-9._-]{1,80})/(?P<number>[0-9]{1,9})/"
RELEASE = r"^releases/(?P<slug>[A-Za-z0-9._-]{1,80})/(?P<number>[0-9]{1,9})/"

urlpatterns: list[URLPattern] = [
    path("me/", tokens.Me.as_view(), name="me"),
    path("tokens/", tokens.TokenList.as_view(), name="tokens"),
    path("tokens/<uuid:id>/revoke/", tokens.TokenRevoke.as_view(), name="token-revoke"),
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
    re_path(rf"{VERSION}$", artifacts.VersionOne.as_view(), name="version"),
    re_path(rf"{VERSION}submit/$", artifacts.Submit.as_view(), name="version-submit"),
    re_path(rf"{VERSION}approve/$", artifacts.Approve.as_view(), name="version-approve"),
    re_path(rf"{VERSION}refuse/$", artifacts.Refuse.as_view(), name="version-refuse"),
    re_path(rf"{VERSION}revoke/$", artifacts.Revoke.as_view(), name="version-revoke"),
    re_path(rf"{VERSION}lineage/$", artifacts.Lineage.as_view(), name="version-lineage"),
    re_path(rf"{VERSION}diff/$", artifacts.Diff.as_view(), name="version-diff"),
    re_path(rf"{VERSION}files/$", artifacts.FileList.as_view(), name="version-files"),
    re_path(
        rf"{VERSION}files/(?P<sha256>[0-9a-f]{{64}})/$", artifacts.FileOne.as_view(), name="version-file"
    ),
    re_path(rf"{VERSION}card/$", cards.CardOne.as_view(), name="version-card"),
    re_path(rf"{VERSION}bundle/$", cards.BundleOne.as_view(), name="version-bundle"),
    path("activities/", artifacts.ActivityList.as_view(), name="activities"),
    path("activities/<uuid:id>/", artifacts.ActivityOne.as_view(), name="activity"),
    path("ledger/checkpoint/", ledger.NewestCheckpoint.as_view(), name="checkpoint"),
    path("ledger/entries/", ledger.EntryList.as_view(), name="entries"),
    re_path(
        r"^ledger/entries/(?P<place>[0-9]{1,19}|[0-9a-f]{64})/$", ledger.EntryOne.as_view(), name="entry"
    ),
    path("releases/", releases.ReleaseList.as_view(), name="releases"),
    re_path(rf"{RELEASE}gate/$", releases.Gate.as_view(), name="release-gate"),
    re_path(rf"{RELEASE}identity/$", releases.Identity.as_view(), name="release-identity"),
]
