"""What a release is made of: from the names that people write to versions pinned by digest, and back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from governance.registry import erasure, lookup, states
from governance.registry.actions import Refused
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import ContentError, Ref
from governance.registry.kinds.release import Content
from governance.registry.models import Version
from governance.releases.identity import identity_parts

KIND_OF_PART = {
    "model": "model",
    "baseline": "model",
    "constitution": "constitution",
    "policies": "policy",
    "filters": "safety-filter",
    "system_prompt": "system-prompt",
    "deployment": "deployment",
    "policy": "release-policy",
}
"""Field of a release's content that names another version → that version's kind."""

LISTED = ("policies", "filters")
"""Fields that name several."""
SHIPPED = ("model", "constitution", "policies", "filters", "system_prompt", "deployment", "policy")
"""Fields whose versions must be approved before the release is; the baseline is only compared with."""


class Component(NamedTuple):
    """One part of a release; `version` is None when this installation does not hold what the release pins."""

    part: str
    subject: str
    version: Version | None
    field: str


def resolve_refs(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` with each part written as `slug`, `kind:slug` or `kind:slug@number` pinned as {"subject", "digest"}.

    Parts that are pinned already are checked. Raises ContentError that names every part at fault: not there, ambiguous, a
    draft, refused or revoked, of another kind, or pinned to another digest.
    """
    resolved: dict[str, Any] = dict(content)
    faults: list[tuple[str, str]] = []
    for part, kind in KIND_OF_PART.items():
        if content.get(part) is None:
            continue
        if part not in LISTED:
            resolved[part] = _tried(part, kind, content[part], faults)
        elif isinstance(content[part], list | tuple):
            resolved[part] = [
                _tried(f"{part}.{place}", kind, given, faults) for place, given in enumerate(content[part])
            ]
        else:
            faults.append((part, "write a list of names"))
    if faults:
        raise ContentError("release", faults)
    return resolved


def _tried(place: str, kind: str, given: Any, faults: list[tuple[str, str]]) -> dict[str, str] | None:
    """What `given` names, pinned; None once the fault stands in `faults`."""
    try:
        return _pin(kind, given)
    except (LookupError, ValueError) as error:
        faults.append((place, str(error).rstrip(".")))
        return None


def components(version: Version) -> dict[str, Component]:
    """The parts of a release that it names, by field (`policies_1` for the first of a list), in two queries; none once it was erased."""
    return components_of([version])[version.pk]


def components_of(versions: Sequence[Version]) -> dict[Any, dict[str, Component]]:
    """As `components`, for many releases at once, by their key and in as many queries as for one."""
    pins = {version.pk: pinned(version) for version in versions}
    digests = {pin.digest for named in pins.values() for _, pin in named.values()}
    found = Version.objects.filter(digest__in=digests).select_related("artifact") if digests else []
    held = {(one.subject, one.digest): one for one in found}
    return {
        key: {
            part: Component(part, pin.subject, held.get((pin.subject, pin.digest)), field)
            for part, (field, pin) in named.items()
        }
        for key, named in pins.items()
    }


def pinned(version: Version) -> dict[str, tuple[str, Ref]]:
    """Part → (field, what it pins) of a release; empty once it was erased, and for other kinds."""
    if version.content is None or version.kind != "release":
        return {}
    content = version.parsed()
    assert isinstance(content, Content)  # noqa: S101
    return {part: (field, pin) for field in KIND_OF_PART for part, pin in _pins(content, field)}


def _pins(content: Content, field: str) -> list[tuple[str, Ref]]:
    named = getattr(content, field)
    if field in LISTED:
        return [(f"{field}_{number}", ref) for number, ref in enumerate(named, 1)]
    return [(field, named)] if named is not None else []


def faults_of(version: Version) -> Iterator[str]:
    """Sentences about the shipped parts of a release that are not approved now."""
    if version.content is None:
        yield erasure.told(version)
    for part in components(version).values():
        if part.field in SHIPPED and (fault := _fault(part)):
            yield fault


def _fault(component: Component) -> str | None:
    listed = component.field in LISTED
    name = (KIND_OF_PART[component.field] if listed else component.part).replace("-", " ").replace("_", " ")
    if component.version is None:
        return f"Its {name} {component.subject} is not in this registry with that digest."
    if component.version.kind != KIND_OF_PART[component.field]:
        return f"Its {name} {component.subject} is a {component.version.kind}."
    if component.version.content is None:
        return f"Its {name}: {erasure.told(component.version)} Name another version."
    if component.version.state in (states.APPROVED, states.SUPERSEDED):
        return None
    return f"Its {name} {component.subject} is {component.version.state.replace('_', ' ')}, not approved."


def _pin(kind: str, given: Any) -> dict[str, str]:
    subject, digest = _named(kind, given)
    try:
        version = lookup.find(subject)
    except UnknownKind as error:
        raise ValueError(str(error)) from error
    if version.kind != kind:
        raise ValueError(f"{version.subject} is a {version.kind}; this part is a {kind}")
    if version.state not in states.USABLE:
        raise ValueError(f"{version.subject} is {version.state}; name a version that is sealed and stands")
    if version.content is None:
        raise ValueError(f"{erasure.told(version)} Name another version")
    if digest not in (None, version.digest):
        raise ValueError(f"{version.subject} has the digest {version.digest}, not {digest}")
    return {"subject": version.subject, "digest": str(version.digest)}


def _named(kind: str, given: Any) -> tuple[str, str | None]:
    if isinstance(given, str):
        return (given if ":" in given else f"{kind}:{given}"), None
    if isinstance(given, Mapping) and set(given) == {"subject", "digest"}:
        return str(given["subject"]), str(given["digest"])
    raise ValueError("write it as kind:slug@number, or as subject and digest")


def identity_of(version: Version) -> dict[str, Any]:
    """What the identity of a release is taken over. Raises Refused when this registry does not hold its model or deployment."""
    return identity_from(version, components(version))


def identity_from(version: Version, named: Mapping[str, Component]) -> dict[str, Any]:
    """As `identity_of`, with the parts that `components_of` found."""
    if version.content is None:
        raise Refused(erasure.told(version))
    model, deployment = named["model"].version, named["deployment"].version
    if model is None or deployment is None:
        missing = named["model" if model is None else "deployment"]
        raise Refused(f"This registry does not hold {missing.subject} with the digest that the release pins.")
    for one in (model, deployment):
        if one.content is None:
            raise Refused(erasure.told(one))
    release = version.parsed()
    assert isinstance(release, Content)  # noqa: S101
    return identity_parts(
        model.content or {},
        deployment.content or {},
        constitution=release.constitution.digest if release.constitution else None,
        system_prompt=release.system_prompt.digest if release.system_prompt else None,
        policies=[ref.digest for ref in release.policies],
        filters=[ref.digest for ref in release.filters],
    )
