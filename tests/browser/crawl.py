"""Every page that people can reach by links, found by following them as each member of the cast."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.pages.world import World

ROLES = ("ravi", "ada", "polly", "mara", "axel", "root")
EACH = 3
"""Addresses of one pattern that one person follows: what differs by role or object shows within them."""
OF_PROGRAMS = ("api/", "healthz", "readyz", "ledger/checkpoint", "^ledger/tile/", "^ledger/parts/")
"""Beginnings of routes that serve programs."""


@dataclass
class Site:
    """What was found: pattern → (who, address) of its pages, of downloads, and of what is posted from forms."""

    pages: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    downloads: set[str] = field(default_factory=set)
    doors: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


class Found(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.links, self.doors = address, [], []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "a" and known.get("href"):
            self.links.append(self._path(str(known["href"])))
        if tag == "form" and (known.get("method") or "").lower() == "post":
            self.doors.append(self._path(known.get("action") or self.address))

    def _path(self, link: str) -> str:
        parts = urlsplit(urljoin(f"http://here{self.address}", link))
        if parts.netloc != "here":
            return ""
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def patterns() -> dict[str, str]:
    """Name → route of every address for people, the admin's included."""
    return {name: route for name, route in _walk(get_resolver()) if not route.startswith(OF_PROGRAMS)}


def _walk(resolver: URLResolver, route: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    for one in resolver.url_patterns:
        here = f"{route}{one.pattern}"
        if isinstance(one, URLPattern):
            yield f"{space}{one.name}", here
        else:
            yield from _walk(one, here, f"{space}{one.namespace}:" if one.namespace else space)


def crawl(world: World) -> Site:
    """Follow every link from the world's addresses, as each of ROLES."""
    site = Site()
    for who in ROLES:
        client = Client()
        client.force_login(world.cast.users[who])
        _follow(site, who, client, ["/", "/admin/", *world.addresses.values()] if who != "axel" else ["/"])
    return site


def _follow(site: Site, who: str, client: Client, addresses: list[str]) -> None:
    seen, counted = set(addresses), defaultdict(int)
    queue = [(address, "the start") for address in addresses]
    while queue:
        address, source = queue.pop(0)
        name = resolve(urlsplit(address).path).view_name
        response = client.get(address)
        if response.status_code >= 400 and not (name.startswith("admin:") and source == "the start"):
            site.broken.append(f"{who}: {address} is {response.status_code}, linked from {source}")
        if response.status_code != 200:
            continue
        if not response["Content-Type"].startswith("text/html"):
            site.downloads.add(name)
            continue
        site.pages[name].append((who, address))
        found = Found(address)
        found.feed(response.content.decode())
        site.doors |= {resolve(urlsplit(door).path).view_name for door in found.doors}
        for link in filter(None, found.links):
            target = resolve(urlsplit(link).path).view_name
            if link not in seen and counted[target] < EACH:
                seen.add(link)
                counted[target] += 1
                queue.append((link, address))
