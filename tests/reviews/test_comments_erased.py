"""An erasure takes the words of a comment, and the page says so. It needs a database in which commits are real."""

from django.test import Client

from governance.registry import erasure, lookup
from governance.reviews import comments
from governance.reviews.models import Comment
from tests.builders import ADA, constitution
from tests.cast import gather


def test_an_erasure_takes_its_words_and_the_page_says_so(committed_db):
    cast = gather()
    version = constitution()
    made = comments.comment(version, text="heliotrope", actor=ADA)
    assert any(str(made.pk) in one for one in erasure.preview(version, ["X"], whole=True).stays)
    asked = erasure.ask(
        made, classes=["I"], authority="GDPR Art. 17", reason="Asked for.", actor=cast.actor("root")
    )
    erasure.confirm(asked, actor=cast.actor("ada"))
    assert Comment.objects.get().text is None
    client = Client()
    client.force_login(cast.otto)
    told = client.get("/versions/constitution:house@1/").content.decode()
    assert "What was said here was erased." in told
    assert "heliotrope" not in told
    assert lookup.find("constitution:house").digest == version.digest
