"""How artifacts and versions are written in addresses."""


class NameConverter:
    regex = r"[a-z-]+:[A-Za-z0-9._-]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


class SubjectConverter(NameConverter):
    regex = r"[a-z-]+:[A-Za-z0-9._-]+@[0-9]{1,9}"


class TextConverter(NameConverter):
    """Any text of one part of an address, but NUL, which PostgreSQL cannot even compare."""

    regex = r"[^/\x00]+"
