"""Django's widgets, written without a template each: a form of two hundred rows has three thousand of them."""

from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class Box(forms.TextInput):
    """A text of one line."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        shown = self.format_value(value)
        told = {"type": self.input_type, "name": name, **({"value": shown} if shown is not None else {})}
        return format_html("<input{}>", flatatt({**told, **self.build_attrs(self.attrs, attrs)}))


class Counter(Box):
    """A whole number."""

    input_type = "number"


class Area(forms.Textarea):
    """A text of several lines. Browsers drop its first line break, so one is written for them."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.attrs = {"rows": rows}

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        told = {"name": name, **self.build_attrs(self.attrs, attrs)}
        return format_html("<textarea{}>\n{}</textarea>", flatatt(told), self.format_value(value) or "")


class Menu(forms.Select):
    """One of a list of choices."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = "" if value is None else str(value)
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>',
            ((key, " selected" if str(key) == chosen else "", label) for key, label in self.choices),
        )  # fmt: skip
        told = {"name": name, **self.build_attrs(self.attrs, attrs)}
        return format_html("<select{}>{}</select>", flatatt(told), options)


class Tick(forms.CheckboxInput):
    """Yes or no."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        told = {"type": "checkbox", "name": name, "checked": self.check_test(value)}
        return format_html("<input{}>", flatatt({**told, **self.build_attrs(self.attrs, attrs)}))
