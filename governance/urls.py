from django.urls import path, register_converter

from governance import converters
from governance.views import artifacts, cards, health, home, ledger, releases, versions

register_converter(converters.NameConverter, "name")
register_converter(converters.SubjectConverter, "subject")

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", home.home, name="home"),
    path("artifacts/", artifacts.artifact_list, name="artifact-list"),
    path("artifacts/<name:name>/", artifacts.artifact_detail, name="artifact"),
    path("versions/<subject:subject>/", versions.version_detail, name="version"),
    path("versions/<subject:subject>/diff/", versions.version_diff, name="version-diff"),
    path("versions/<subject:subject>/submit/", versions.version_submit, name="version-submit"),
    path("versions/<subject:subject>/decide/", versions.version_decide, name="version-decide"),
    path("versions/<subject:subject>/revoke/", versions.version_revoke, name="version-revoke"),
    path("releases/<subject:subject>/", releases.release, name="release"),
    path("releases/<subject:subject>/gate/", releases.run, name="release-gate"),
    path("cards/<subject:subject>/", cards.card, name="card"),
    path("cards/<subject:subject>/bundle/", cards.bundle, name="bundle"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/entries/<int:index>/", ledger.entry, name="entry"),
]
