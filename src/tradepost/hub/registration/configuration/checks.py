"""What must be right in a file before anything is compared: names, values, and that each definition is the one that its
digest stands for. Gives the document back with every value in the form in which it is stored."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tradepost.foundation.canonical import digest
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.field_rules import checked_number_of_fields, checked_rule_of_fields
from tradepost.hub.access.scopes import checked_scopes
from tradepost.hub.access.slugs import checked_slug
from tradepost.hub.limits import quotas
from tradepost.hub.limits.settings import checked as checked_setting
from tradepost.hub.policy.figures import declared_of
from tradepost.hub.policy.window import checked_zone
from tradepost.hub.registration.configuration.apis import checked_api, checked_base
from tradepost.hub.registration.configuration.document import (
    AgentPart,
    AssignmentPart,
    ContentPart,
    Document,
    Part,
    ProfilePart,
    ServerPart,
    ToolPart,
)
from tradepost.hub.registration.configuration.oauth import checked_oauth
from tradepost.hub.registration.configuration.policies import checked_policy
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.recording import checked_recording
from tradepost.hub.registration.dry_runs import OWN_PREVIEWS, only_reads
from tradepost.hub.registration.intake import MAX_TOOLS
from tradepost.hub.registration.names import (
    MAX_DESCRIPTION,
    MAX_TITLE,
    checked_exposed_name,
    checked_words,
    is_tool_name,
)
from tradepost.hub.registration.pins import without_data
from tradepost.hub.registry import rules
from tradepost.hub.registry.injection_rules import checked_number, checked_rule
from tradepost.hub.vault.header_rules import Header, checked_headers
from tradepost.protocol.api_marks import is_api

Kept = TypeVar("Kept")
Some = TypeVar("Some", bound=Part)

_OF_REMOTE = ("name", "url", "secret_url", "headers", "oauth", "api", "caller_assertion", "resources", "prompts")
_OF_REMOTE_TOOLS = ("tool_class", "moves_money", "scope")


def checked(read: Read) -> Document:
    """The document, normalised. Raises InvalidArgument with the place of what is wrong."""
    return _Checks(read).document()


class _Checks:
    def __init__(self, read: Read) -> None:
        self._read = read

    def document(self) -> Document:
        given = self._read.document
        said: dict[str, Any] = {}
        if given.says("time_zone"):
            said["time_zone"] = self._at(("time_zone",), lambda: checked_zone(given.time_zone))
        if given.says("limits"):
            said["limits"] = self._limits(given.limits, ("limits",), of_agent=False)
        if given.says("rules"):
            said["rules"] = {
                name: self._at(("rules", name), lambda: rules.checked(name, value))  # noqa: B023
                for name, value in sorted(given.rules.items())
            }
        if given.says("audit"):
            said["audit"] = self._at(("audit",), lambda: checked_recording(given.audit))
        if given.says("profiles"):
            said["profiles"] = [self._profile(one, ("profiles", at)) for at, one in enumerate(given.profiles)]
            self._once([one.slug for one in given.profiles], ("profiles",), "slug")
        if given.says("agents"):
            said["agents"] = [self._agent(one, ("agents", at)) for at, one in enumerate(given.agents)]
            self._once([one.slug for one in given.agents], ("agents",), "slug")
        if given.says("servers"):
            said["servers"] = [self._server(one, ("servers", at)) for at, one in enumerate(given.servers)]
            self._once([one.slug for one in given.servers], ("servers",), "slug")
        if given.says("assignments"):
            said["assignments"] = [
                self._assignment(part, ("assignments", number)) for number, part in enumerate(given.assignments)
            ]
            self._once(
                [(one.profile, one.agent, one.server, one.tool) for one in given.assignments], ("assignments",), "tool"
            )
        if given.says("policies"):
            said["policies"] = [
                self._at(("policies", number), lambda: checked_policy(part))  # noqa: B023
                for number, part in enumerate(given.policies)
            ]
            self._once([one.name for one in given.policies], ("policies",), "name")
        return given.model_copy(update=said)

    def _profile(self, part: ProfilePart, path: Path) -> ProfilePart:
        self._at((*path, "slug"), lambda: checked_slug(part.slug))
        fields = {
            kind: self._at((*path, "fields", kind), lambda: checked_rule_of_fields(kind, said))  # noqa: B023
            for kind, said in sorted(part.fields.items())
        }
        self._at((*path, "fields"), lambda: checked_number_of_fields(fields))
        return _with(part, name=part.name.strip() or part.slug, fields=fields)

    def _agent(self, part: AgentPart, path: Path) -> AgentPart:
        self._at((*path, "slug"), lambda: checked_slug(part.slug, of_agent=True))
        scopes = self._at((*path, "scopes"), lambda: checked_scopes(part.scopes))
        limits = self._limits(part.limits, (*path, "limits"), of_agent=True)
        return _with(part, name=part.name.strip() or part.slug, scopes=scopes, limits=limits)

    def _limits(self, given: Mapping[str, Any], path: Path, *, of_agent: bool) -> dict[str, int | bool]:
        return {
            name: self._at((*path, name), lambda: quotas.checked(name, value, of_agent=of_agent))  # noqa: B023
            for name, value in sorted(given.items())
        }

    def _server(self, part: ServerPart, path: Path) -> ServerPart:
        bundled = part.kind == "bundled"
        if not bundled:  # those of the release are called as they are
            self._at((*path, "slug"), lambda: checked_slug(part.slug))
        self._only_if(not bundled, part, _OF_REMOTE, path, "A bundled server has this from its release.")
        if part.says("url") and part.url is None:
            raise self._read.wrong((*path, "url"), "A server that is not bundled has a URL.")
        url = part.url
        self._at(
            (*path, "headers"),
            lambda: checked_headers([Header(header.name, "x", header.secret) for header in part.headers]),
        )
        if len(part.tools) > MAX_TOOLS:
            raise self._read.wrong((*path, "tools"), f"A server has at most {MAX_TOOLS} tools.")
        said: dict[str, Any] = {
            "settings": self._settings(part.settings, (*path, "settings"), of_tool=False, bundled=bundled),
            "inject": self._rules(part.inject, (*path, "inject")),
            "tools": [self._tool(one, (*path, "tools", number), bundled) for number, one in enumerate(part.tools)],
            "name": part.name.strip() or part.slug,
            "oauth": self._at((*path, "oauth"), lambda: checked_oauth(part)),
            "api": self._at((*path, "api"), lambda: checked_api(part)),
        }
        if url is not None and is_api(url):
            said["url"] = self._at((*path, "url"), lambda: checked_base(url))
        self._once([one.name for one in part.tools], (*path, "tools"), "name")
        contents: tuple[tuple[str, Sequence[ContentPart]], ...] = (
            ("resources", part.resources),
            ("prompts", part.prompts),
        )
        for name, parts in contents:
            checked = [self._content(one, (*path, name, place), name == "prompts") for place, one in enumerate(parts)]
            if checked:
                said[name] = checked
            self._once([one.name for one in parts], (*path, name), "name")
        return _with(part, **said)

    def _tool(self, part: ToolPart, path: Path, bundled: bool) -> ToolPart:
        if not is_tool_name(part.name):
            raise self._read.wrong((*path, "name"), f"'{part.name[:60]}' is no tool name.")
        scope = part.scope
        if bundled:
            self._only_if(False, part, (*_OF_REMOTE_TOOLS, "definition"), path, "A bundled tool has it by its release.")
            if part.state not in ("enabled", "disabled"):
                raise self._read.wrong((*path, "state"), "A bundled tool is enabled or disabled.")
        else:
            if part.digest is None:
                raise self._read.wrong(path, "The tool needs the digest of the definition that was approved.")
            if part.definition is not None:
                self._definition(part.definition, part.digest, path)
                if part.definition.get("name") != part.name:
                    raise self._read.wrong((*path, "definition"), f"It defines another tool than '{part.name}'.")
            if scope is not None:
                self._at((*path, "scope"), lambda: checked_scopes([scope], "scope"))
        settings = self._settings(part.settings, (*path, "settings"), of_tool=True, bundled=bundled)
        if bundled and part.figures:
            raise self._read.wrong((*path, "figures"), "What a bundled tool is about comes with the release.")
        if bundled and part.dry_run is not None:
            raise self._read.wrong((*path, "dry_run"), OWN_PREVIEWS)
        if part.dry_run is not None and part.says("tool_class") and part.tool_class == "read":
            raise self._read.wrong((*path, "dry_run"), only_reads(part.name))
        declared = self._at((*path, "figures"), lambda: declared_of(part.figures))
        figures = declared.as_stored() if declared is not None else {}
        return _with(part, settings=settings, figures=figures, inject=self._rules(part.inject, (*path, "inject")))

    def _content(self, part: ContentPart, path: Path, is_prompt: bool) -> ContentPart:
        """One as it is stored: a resource without what is data, also where its file is from before that."""
        if part.definition is None:
            return part
        key = "name" if is_prompt else "uriTemplate" if part.template else "uri"
        if part.definition.get(key) != part.name:
            raise self._read.wrong((*path, "definition"), f"Its {key} is not '{part.name[:60]}'.")
        kept = without_data(part.definition)
        stands_for = self._at((*path, "definition"), lambda: digest(kept))
        if part.digest != stands_for:
            self._definition(part.definition, part.digest, path)
        return _with(part, definition=kept, digest=stands_for)

    def _definition(self, definition: Mapping[str, Any], said: str, path: Path) -> None:
        found = self._at((*path, "definition"), lambda: digest(definition))
        if found != said:
            raise self._read.wrong(
                (*path, "digest"),
                f"The definition is not the one of this digest: it has {found}.",
                "Somebody changed one of them. Take both from an export of the hub in which the tool was approved.",
            )

    def _settings(self, given: Mapping[str, Any], path: Path, *, of_tool: bool, bundled: bool) -> dict[str, Any]:
        return {
            name: self._at(
                (*path, name),
                lambda: checked_setting(name, value, of_tool=of_tool, bundled=bundled),  # noqa: B023
            )
            for name, value in sorted(given.items())
        }

    def _rules(self, given: Sequence[Mapping[str, Any]], path: Path) -> list[dict[str, Any]]:
        rules = [
            self._at((*path, number), lambda: checked_rule(rule))  # noqa: B023
            for number, rule in enumerate(given)
        ]
        self._at(path, lambda: checked_number(rules))
        self._once([rule.key for rule in rules], path, "name")
        return [rule.as_stored() for rule in sorted(rules, key=lambda rule: rule.key)]

    def _assignment(self, part: AssignmentPart, path: Path) -> AssignmentPart:
        if (part.profile is None) == (part.agent is None):
            raise self._read.wrong(path, "A tool is assigned to a profile or to an agent: name one of them.")
        name = part.name
        if name is not None:
            self._at((*path, "name"), lambda: checked_exposed_name(name))
        words = {
            member: self._at((*path, member), lambda: checked_words(text, member, cap)) if text else None  # noqa: B023
            for member, text, cap in (
                ("title", part.title, MAX_TITLE),
                ("description", part.description, MAX_DESCRIPTION),
            )
        }
        return _with(part, **words)

    def _only_if(self, fits: bool, part: Part, members: Iterable[str], path: Path, why: str) -> None:
        for member in members:
            if not fits and part.says(member):
                raise self._read.wrong((*path, "class" if member == "tool_class" else member), why, "Leave it out.")

    def _once(self, names: Sequence[Hashable], path: Path, member: str) -> None:
        seen: set[Hashable] = set()
        for number, name in enumerate(names):
            if name in seen:
                shown = name if isinstance(name, str) else " ".join(str(one) for one in name if one)  # type: ignore[attr-defined]
                raise self._read.wrong((*path, number, member), f"'{str(shown)[:100]}' stands twice.")
            seen.add(name)

    def _at(self, path: Path, check: Callable[[], Kept]) -> Kept:
        """What a check gives; what it raises, with the place in the file."""
        try:
            return check()
        except InvalidArgument as error:
            raise self._read.wrong(path, error.message, error.hint) from None


def _with(part: Some, **values: Any) -> Some:
    """The part with other values of those members that the file names."""
    return part.model_copy(update={name: value for name, value in values.items() if part.says(name)})
