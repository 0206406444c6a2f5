"""Names that could be taken for another's are refused at every door that makes one."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from rest_framework.test import APIClient

from governance.ledger.actors import Actor
from governance.people.actions import create_person
from governance.people.models import Account, User
from governance.people.names import skeleton
from governance.registry.actions import Refused, save_draft
from governance.registry.models import Artifact
from tests.builders import CONSTITUTION, POLLY
from tests.cast import gather

TEST = Actor.system("test")


@pytest.fixture
def cast(db):
    made = gather()
    create_person("nora.smith", display_name="Nora Smith", actor=TEST)
    return made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "p\u0430yp\u0430l"),
        ("paypal", "paypaI"),
        ("paypal", "payp\u0430\ufe0fl"),
        ("modern", "modem"),
        ("Nora", "\uff2eora"),
        ("Nora", "\u039dora"),
        ("scope", "\u0455\u0441\u043e\u0440\u0435"),
        ("ADA", "ada"),
        ("B0B", "BOB"),
    ],
)
def test_look_alikes_have_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ada", "ida"), ("Zoë", "Zoe"), ("王芳", "王方"), ("Ольга", "Оля"), ("eno", "emo")]
)
def test_different_names_have_different_skeletons(one, other):
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize(
    ("username", "display_name", "field"),
    [
        ("zoe", "Nora\u200b Smith", "display_name"),
        ("zoe", "htimS aroN\u202e", "display_name"),
        ("zoe", "a\x07b", "display_name"),
        ("zoe", "\u3164", "display_name"),
        ("zoe", "Nor\u0430 Smith", "display_name"),
        ("zoe", "NORA  SMITH", "display_name"),
        ("zoe", "ada", "display_name"),
        ("zoe", "r\u03bfot", "display_name"),
        ("Ada", "", "username"),
        ("\u0430d\u0430", "", "username"),
        ("nora.srnith", "", "username"),
    ],
)
def test_no_door_makes_an_account_with_a_name_like_anothers(cast, username, display_name, field):
    before = Account.objects.count()
    with pytest.raises(ValidationError) as refused:
        create_person(username, display_name=display_name, actor=TEST)
    assert list(refused.value.message_dict) == [field]
    root = APIClient()
    root.force_login(cast.root)
    given = {
        "username": username,
        "display_name": display_name,
        "password": "three-plain-words",
        "handle": "zoe",
    }
    told = root.post("/api/v1/accounts/", given, format="json")
    assert told.status_code in (400, 422), told.content
    assert f"The {field.replace('_', ' ')}" in told.json()["detail"]
    page = root.post(reverse("admin:people_account_add"), {**given, "groups": []})
    assert page.status_code in (200, 422)
    assert page.context["errors"], "the page says what is wrong"
    assert Account.objects.count() == before


def test_it_is_said_whom_a_name_resembles(cast):
    with pytest.raises(ValidationError, match=r"looks like the name of Nora Smith \(nora.smith\)"):
        create_person("zoe", display_name="N\u043era Smith", actor=TEST)


def test_names_of_any_script_are_welcome(cast):
    for number, name in enumerate(("王芳", "Ольга Иванова", "محمد", "Zoë O’Neill", "José-María")):
        create_person(f"person{number}", display_name=name, actor=TEST)
    assert User.objects.filter(display_name="王芳").exists()


@pytest.mark.parametrize("title", ["House\u202erules", "Ho\u200buse", "a\u0000b"])
def test_a_title_with_invisible_characters_makes_no_artifact(cast, title):
    with pytest.raises(Refused, match="invisible character"):
        save_draft("constitution", "house", CONSTITUTION, title=title, actor=POLLY)
    client = APIClient()
    client.force_login(cast.polly)
    body = {"kind": "constitution", "slug": "house", "content": CONSTITUTION, "title": title}
    assert client.post("/api/v1/versions/", body, format="json").status_code in (400, 409, 422)
    assert not Artifact.objects.exists()
