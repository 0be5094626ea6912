"""What moved between two previews of the same write, in sentences for whoever approved the first one."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

MOST_SAID = 8


def what_moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """ "Stock of SKU-1 at Rotterdam: on hand was 5 pcs when this was shown, it is 3 pcs now." for each value that both
    previews show; the record alone, where another of its fields has moved or it is new to the write."""
    seen = {_field(one): one.get("before") for one in before.get("changes", ())}
    told: dict[Any, str] = {}
    said: list[str] = []
    for one in now.get("changes", ()):
        was = seen.get(_field(one), one.get("before"))
        if was != one.get("before"):
            told[_record(one)] = one["record"]
            said.append(
                f"{one['record']}: {one['field']} was {_shown(was)} when this was shown, "
                f"it is {_shown(one.get('before'))} now."
            )
    versions = {_record(one): one for one in before.get("versions", ())}
    for one in now.get("versions", ()):
        known = versions.pop(_record(one), None)
        if _record(one) in told:
            continue
        if known is None:
            said.append(f"{one['record']} is concerned now and was not before.")
        elif known.get("version") != one.get("version"):
            said.append(f"{one['record']} was changed.")
    said += [f"{one['record']} is not concerned any more." for one in versions.values() if _record(one) not in told]
    return _at_most(said)


def has_moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a preview rests on other records, or on other versions of them."""
    return _versions(before) != _versions(now)


def _versions(preview: Mapping[str, Any]) -> dict[Any, Any]:
    return {_record(one): one.get("version") for one in preview.get("versions", ())}


def _record(one: Mapping[str, Any]) -> Any:
    return (one["table"], one["id"]) if "table" in one and "id" in one else one.get("record")


def _field(one: Mapping[str, Any]) -> Any:
    return _record(one), one.get("column", one.get("field"))


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _at_most(said: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(said))
    if len(found) <= MOST_SAID:
        return found
    return [*found[:MOST_SAID], f"And {len(found) - MOST_SAID} more changes."]
