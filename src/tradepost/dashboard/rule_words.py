"""A rule of policy as a sentence: what happens to which calls, and when."""

from collections.abc import Mapping
from typing import Any

_CALLS = {"read": "reads", "write": "writes", "destructive": "destructive calls"}
_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """The whole rule but for its condition, which stands beside it as it was written, and its reason."""
    said = f"{_what(rule)} {_about(rule)}"
    if rule["window"]:
        said += f", {_time(rule['window'])}"
    if rule["when"]:
        said += ", where its condition holds"
    return ". ".join((said, *_further(rule))) + "."


def _what(rule: Mapping[str, Any]) -> str:
    if rule["outcome"] == "deny":
        return "Refuse"
    if rule["outcome"] == "allow":
        return "Let through"
    people = "two different people" if rule["approvals"] > 1 else "a person"
    role = rule["approver_role"]
    return f"Ask {people}{f' with the role {role} or higher' if role else ''} about"


def _about(rule: Mapping[str, Any]) -> str:
    said = _CALLS.get(rule["class"] or "", "all calls" if not (rule["tool"] or rule["server"]) else "calls")
    if rule["tool"]:
        said += f" of the tool {rule['tool']}"
    if rule["server"]:
        said += f" at the server {rule['server']}"
    if rule["agent"]:
        said += f" by the agent {rule['agent']}"
    elif rule["profile"]:
        said += f" by agents of the profile {rule['profile']}"
    return said


def _time(window: Mapping[str, Any]) -> str:
    parts = []
    if window.get("from"):
        parts.append(f"from {window['from']}")
    if window.get("to"):
        parts.append(f"until {window['to']}")
    if window.get("days"):
        parts.append("on " + ", ".join(_DAYS.get(day, day) for day in window["days"]))
    if window.get("start") or window.get("end"):
        parts.append(f"between {window.get('start') or '00:00'} and {window.get('end') or '24:00'}")
    if window.get("zone"):
        parts.append(f"in the zone {window['zone']}")
    return " ".join(parts)


def _further(rule: Mapping[str, Any]) -> list[str]:
    said = []
    if rule["outcome"] == "ask" and rule["caller_may_confirm"]:
        said.append("Whoever makes the call may say yes")
    if rule["outcome"] == "ask" and rule["expires_minutes"]:
        said.append(f"It waits {rule['expires_minutes']:,} minutes at most")
    if rule["loosens"]:
        said.append("It holds where the profile's posture would ask, too")
    return said
