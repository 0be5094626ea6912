"""What the audit keeps of arguments."""

import orjson
import pytest

from tradepost.hub.audit.masking import MAX_FULL, MAX_MASKED, Masking, kinds_in
from tradepost.hub.audit.written_out import COLUMNS, csv_head, csv_line

SAID = {
    "order_id": "ord_06fk3w9x0t",
    "amount": {"amount_minor": 2490, "currency": "EUR"},
    "when": "2026-02-24T09:00:00Z",
    "day": "2026-02-24",
    "ean": "4006381333931",
    "notify": True,
    "limit": 20,
    "messageId": "msg_1",
    "email_template": "shipped",
    "nothing": None,
}
PERSONAL = {
    "email": "anna@example.com",
    "customerName": "Anna Müller",
    "shipping_address": {"line1": "Hauptstr. 1", "city": "Köln"},
    "Phone": 4915112345678,
    "date_of_birth": "1990-01-01",
}
SECRET = {
    "password": "hunter22",
    "apiKey": "abc",
    "client_secret": ["a", "b"],
    "access-key": "x",
    "Authorization": "Bearer abc",
}
LOOKS_PERSONAL = (
    ("write to anna.mueller+shop@mail.example.co.uk please", "mueller"),
    ("call +49 (151) 123-45678", "45678"),
    ("call 0151 1234 5678", "5678"),
    ("card 4111 1111 1111 1111", "1111"),
    ("4111-1111-1111-1111", "1111"),
    ("DE89 3704 0044 0532 0130 00 is hers", "3704"),
    ("gb29nwbk60161331926819", "60161331926819"),
)
LOOKS_SECRET = (
    "Authorization: Bearer abcdef0123456789",
    "tp_live_0123456789abcdef",
    "use sk-0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    "https://user:hunter22@example.com/x",
    "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----",
)


def kept(arguments: object, how: Masking | None = None, **more: object) -> dict[str, object]:
    text = (how or Masking("masked")).text_of(arguments, **more)  # type: ignore[arg-type]
    assert text is not None
    return dict(orjson.loads(text))


@pytest.mark.behaviour("S1.14")
def test_what_a_call_was_about_stays_and_what_is_personal_or_secret_does_not():
    assert kept(SAID) == SAID
    assert kept(PERSONAL) == dict.fromkeys(PERSONAL, "[personal]")
    assert kept(SECRET) == dict.fromkeys(SECRET, "[secret]")
    assert kept(PERSONAL, Masking("full")) == PERSONAL
    assert kept(SECRET, Masking("full")) == dict.fromkeys(SECRET, "[secret]")
    assert Masking("digest").text_of(SAID) is None
    assert kept({"a": [{"b": {"email": "x"}}]}) == {"a": [{"b": {"email": "[personal]"}}]}
    assert kept({"card": 4111111111111111, "count": 4111111111111112}) == {"card": "[card]", "count": 4111111111111112}


@pytest.mark.parametrize(("text", "part"), LOOKS_PERSONAL)
def test_personal_data_is_found_in_any_text_and_as_a_key(text: str, part: str):
    for arguments in ({"q": text}, {"tags": [text]}, {text: 1}):
        assert part not in str(kept(arguments))
    assert kept({"q": text}, Masking("full")) == {"q": text}


@pytest.mark.parametrize("text", LOOKS_SECRET)
def test_a_secret_in_any_text_is_kept_nowhere(text: str):
    for how in ("masked", "full"):
        assert kept({"q": text}, Masking(how))["q"] != text  # type: ignore[arg-type]
        assert "[secret]" in str(kept({"q": text}, Masking(how)))  # type: ignore[arg-type]


def test_schemas_and_workspaces_say_more_about_fields():
    schema = {
        "properties": {
            "who": {"type": "string", "format": "email"},
            "door": {"type": "string", "writeOnly": True},
            "lines": {"type": "array", "items": {"properties": {"gift_for": {"x-personal": True}}}},
        }
    }
    said = {"who": "anna", "door": "4711", "lines": [{"gift_for": "Anna", "qty": 1}]}
    shown = {"who": "[personal]", "door": "[secret]", "lines": [{"gift_for": "[personal]", "qty": 1}]}
    assert kept(said, kinds=kinds_in(schema)) == shown
    named = Masking("masked", personal=["Nickname"], secret=["door"])
    assert kept({"nickname": "A", "door": 1, "qty": 1}, named) == {
        "nickname": "[personal]",
        "door": "[secret]",
        "qty": 1,
    }


def test_long_deep_and_many_is_cut_and_says_so():
    shown = kept({"note": "x" * 500, "ids": list(range(50))})
    assert str(shown["note"]).endswith("(500 characters)")
    assert shown["ids"] == [*range(20), "… (30 more)"]
    deep: dict[str, object] = {"a": 1}
    for _ in range(60):
        deep = {"a": deep}
    assert "…" in str(kept(deep))
    wide = {f"field{number}": "y" * 70 for number in range(1000)}
    assert "left_out" in kept(wide)
    assert len(Masking("masked").text_of(wide) or "") < MAX_MASKED
    assert "left_out" in kept({"a": "z" * MAX_FULL}, Masking("full"))
    odd = {"half": "\ud83d", "huge": 10**40}
    assert Masking("masked").text_of(odd) is not None


def test_no_cell_is_a_formula():
    """Row 29 of the threats: what a spreadsheet would run begins with an apostrophe."""
    heads = csv_head().decode().strip().split(",")
    assert tuple(heads) == COLUMNS
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\ufeff=1", "＝1", '=cmd|"/c calc"!A1', "\n=1"):
        line = csv_line({"tool": text}).decode().removesuffix("\r\n")
        cell = line.strip(",")
        assert cell.lstrip('"').startswith("'"), text
    assert b",get_order," in csv_line({"tool": "get_order"})
    assert b",-5," in csv_line({"duration_us": -5})
