"""Forms as a browser sends them: every field that the page shows, with what a person changed."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client


class Fields(HTMLParser):
    """Name → value of what a page's forms would send, and the errors beside their fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.errors: dict[str, str] = {}
        self._area = self._select = self._errors = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name, kind = said.get("name", ""), said.get("type", "text")
        if tag == "input" and name and kind not in ("file", "submit"):
            if kind != "checkbox" or "checked" in said:
                self.values.setdefault(name, []).append(said.get("value", ""))
        elif tag == "textarea":
            self._area = name
            self.values[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in said or self._select not in self.values):
            self.values[self._select] = [said.get("value", "")]
        elif tag == "ul" and said.get("class") == "errors":
            self._errors = said["id"].removeprefix("id_").removesuffix("_errors")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self._area] = [self.values[self._area][0].removeprefix("\n")]
            self._area = ""
        elif tag == "select":
            self._select = ""
        elif tag == "ul":
            self._errors = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][0] += data
        if self._errors and data.strip():
            self.errors[self._errors] = f"{self.errors.get(self._errors, '')} {data.strip()}".strip()


def opened(client: Client, address: str) -> dict[str, Any]:
    """What the page's forms would send as it stands."""
    response = client.get(address)
    assert response.status_code == 200, response.content
    return sendable(response)


def sendable(response: Any) -> dict[str, Any]:
    values = Fields(response.content.decode()).values
    return {
        name: found if len(found) > 1 else found[0]
        for name, found in values.items()
        if name != "csrfmiddlewaretoken"
    }


def errors(response: Any) -> dict[str, str]:
    """Input → what the page says beside it; the whole form's under "form"."""
    text = response.content.decode()
    found = Fields(text).errors
    if 'id="form-errors"' in text:
        found["form"] = text[text.index('id="form-errors"') :].split("</div>")[0]
    return found
