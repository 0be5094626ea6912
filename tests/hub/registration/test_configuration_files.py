"""Configuration files: read strictly and with the place of what is wrong, written so that versions compare well."""

import orjson
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradepost.foundation.canonical import digest
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.configuration.checks import checked
from tradepost.hub.registration.configuration.document import Document, as_plain
from tradepost.hub.registration.configuration.reading import MAX_BYTES, read_text, read_value
from tradepost.hub.registration.configuration.values import Given, values_in, variable_of
from tradepost.hub.registration.configuration.writing import write_yaml

TRACK = {"name": "track", "description": "Two\nlines: with a colon", "inputSchema": {"type": "object"}}
TOOL = {"name": "track", "state": "enabled", "digest": digest(TRACK), "definition": TRACK}
SERVER = {"slug": "tracker", "url": "https://mcp.example.com/mcp", "tools": [TOOL]}

WRONG = [
    ("profiles: []", "This release reads the format version 1, and the file says none."),
    ("format_version: 2", "Line 1, column 1 (format_version): This release reads the format version 1, not 2."),
    ("format_version: true", "not True"),
    ("- 1", "A configuration is a mapping."),
    ("format_version: 1\nprofiles:\n- slug: a\n  colour: red", "Line 4, column 3 (profiles[0].colour): There is no"),
    ("format_version: 1\nprofiles:\n- name: a", "Line 3, column 3 (profiles[0].slug): The member 'slug' is missing."),
    (
        "format_version: 1\nagents:\n- {slug: a, profile: b, enabled: yes}",
        "Line 3, column 25 (agents[0].enabled): It is true or false.",
    ),
    ("format_version: 1\nagents:\n- {slug: a, profile: b, limits: {x: 1.5}}", "Line 3, column 34 (agents[0].limits.x)"),
    ("format_version: 1\nformat_version: 1", "Line 2, column 1: the member 'format_version' stands twice"),
    ("format_version: 1\n---\nformat_version: 1", "Line 2, column 1: the file holds several documents"),
    ("a: &x [1]\nb: *x", "Line 1, column 4: anchors are not read"),
    ("a: *x", "Line 1, column 4: aliases are not read"),
    ("a: !!python/object/apply:os.system ['true']", "Line 1, column 4: the tag"),
    ("a: !!binary aGk=", "Line 1, column 4: the tag"),
    ("? [1]\n: 2", "Line 1, column 3: a member's name is a text"),
    ("a: [1,", "Line 2, column 1: not YAML"),
    ("a: \t- b\n\tc", "not YAML"),
    ("a: " + "[" * 100, "nested deeper than 60 levels"),
    ("a: 1e999", "Line 1, column 4: a number is too large"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str):
    with pytest.raises(InvalidArgument) as caught:
        read_text(text.encode())
    assert said in caught.value.message


def test_bytes_that_are_no_file():
    for text in (b"\xff\xfe", b"a: \x00", b"\x1b[31m: 1", b" " * (MAX_BYTES + 1), b'a: "\\ud800"', b""):
        with pytest.raises(InvalidArgument):
            read_text(text)


NOT_RIGHT = [
    ({"profiles": [{"slug": "No Slug"}]}, "profiles[0].slug: "),
    ({"profiles": [{"slug": "a"}, {"slug": "a"}]}, "profiles[1].slug: 'a' stands twice."),
    ({"agents": [{"slug": "a", "profile": "b", "scopes": ["read:order"]}]}, "agents[0].scopes: There is no scope"),
    ({"agents": [{"slug": "a", "profile": "b", "limits": {"calls": 1}}]}, "agents[0].limits.calls: There is no limit"),
    ({"limits": {"calls_per_day": -1}}, "limits.calls_per_day: "),
    ({"servers": [{**SERVER, "headers": [{"name": "Host"}]}]}, "servers[0].headers: The header 'Host' is set by"),
    ({"servers": [{**SERVER, "settings": {"timeout_seconds": 900}}]}, "servers[0].settings.timeout_seconds: "),
    ({"servers": [{**SERVER, "inject": [{"target": "argument"}]}]}, "servers[0].inject[0]: "),
    ({"servers": [{**SERVER, "tools": [TOOL, TOOL]}]}, "servers[0].tools[1].name: 'track' stands twice."),
    ({"servers": [{**SERVER, "tools": [{"name": "track", "state": "enabled"}]}]}, "needs the digest"),
    ({"servers": [{**SERVER, "tools": [{**TOOL, "definition": {**TRACK, "title": "x"}}]}]}, "is not the one of this"),
    ({"servers": [{**SERVER, "tools": [{**TOOL, "name": "other"}]}]}, "defines another tool"),
    ({"servers": [{"slug": "orders", "kind": "bundled", "url": "https://a.example"}]}, "from its release"),
    ({"servers": [{"slug": "o", "kind": "bundled", "tools": [{"name": "t", "class": "read"}]}]}, "by its release"),
    ({"servers": [{"slug": "tracker", "url": None}]}, "servers[0].url: "),
    ({"assignments": [{"server": "a", "tool": "b"}]}, "assignments[0]: A tool is assigned"),
    ({"assignments": [{"server": "a", "tool": "b", "agent": "c"}] * 2}, "'c a b' stands twice"),
    ({"assignments": [{"server": "a", "tool": "b", "agent": "c", "name": "a b"}]}, "assignments[0].name: "),
]


@pytest.mark.parametrize(("members", "said"), NOT_RIGHT)
def test_what_no_hub_could_take_is_said_before_any_is_asked(members: dict, said: str):
    read = read_value({"format_version": 1, **members})
    with pytest.raises(InvalidArgument) as caught:
        checked(read)
    assert said in caught.value.message


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
@example({"": "0E0", "1e5": "12"})
def test_a_definition_comes_back_as_it_was(definition: dict):
    """Members in the same order, numbers of the same kind, texts to the last character: else its digest were
    another."""
    document = Document.model_validate(
        {
            "format_version": 1,
            "servers": [
                {
                    "slug": "a",
                    "url": "x",
                    "tools": [{"name": "t", "digest": digest(definition), "definition": definition}],
                }
            ],
        }
    )
    text = write_yaml(document)
    back = read_text(text.encode())
    assert orjson.dumps(as_plain(back.document)) == orjson.dumps(as_plain(document))
    assert write_yaml(back.document) == text
    assert read_value(orjson.loads(orjson.dumps(as_plain(document)))).document == document


def test_the_file_is_plain_yaml_with_a_line_for_each_member():
    read = read_value({"format_version": 1, "servers": [SERVER]})
    text = write_yaml(read.document)
    assert yaml.safe_load(text) == as_plain(read.document)
    assert "description: |-\n        Two\n        lines: with a colon\n" in text


def test_only_a_servers_own_variables_are_read():
    """A file says which secrets there are, and cannot make the import send another variable anywhere."""
    assert variable_of("my-tracker", "X-Api.Key") == "TRADEPOST_HEADER_MY_TRACKER__X_API_KEY"
    oauth = {"flow": "client_credentials", "client_id": "us", "client_secret": True}
    servers = [
        {**SERVER, "headers": [{"name": "Authorization"}]},
        {"slug": "hidden-one", "url": "https://mcp.example.com", "secret_url": True},
        {"slug": "machine", "url": "https://mcp.example.com/mcp", "oauth": oauth},
    ]
    environment = {
        "TRADEPOST_HEADER_TRACKER__AUTHORIZATION": "Bearer x",
        "TRADEPOST_HEADER_OTHER__AUTHORIZATION": "Bearer y",
        "TRADEPOST_URL_TRACKER": "https://mcp.example.com/y",
        "TRADEPOST_URL_HIDDEN_ONE": "https://mcp.example.com/x",
        "TRADEPOST_CLIENT_SECRET_TRACKER": "y",
        "TRADEPOST_CLIENT_SECRET_MACHINE": "x",
        "AUTHORIZATION": "Bearer z",
    }
    read = read_value({"format_version": 1, "servers": servers})
    assert values_in(environment, read.document.servers) == Given(
        {"tracker": {"authorization": "Bearer x"}}, {"hidden-one": "https://mcp.example.com/x"}, {"machine": "x"}
    )
