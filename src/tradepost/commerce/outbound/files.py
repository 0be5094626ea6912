"""The ports as files, for a shop that is connected to nothing yet: mails as .eml, labels as ZPL that a label printer
takes, everything else as lines of a ledger. Doing the same twice leaves one file and one line."""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tradepost.commerce.outbound.ports import Outcome

PRIVATE = 0o600


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing; there are names and addresses in it, so for nobody else's eyes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(path.suffix + ".new")
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as stream:
        stream.write(content)
    fresh.replace(path)


class FileMail:
    """Mails as files that a mail program opens."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder / "mail"
        self._sender = sender

    async def send(self, _kind: str, key: str, request: Mapping[str, Any]) -> Outcome:
        """One .eml."""
        path = self._folder / f"{key}.eml"
        await asyncio.to_thread(_write, path, mail_of(self._sender, key, request).as_bytes())
        return Outcome(reference=path.name)

    async def close(self) -> None:
        """Nothing is open."""


class FileCarrier:
    """Labels as ZPL and claims as JSON; the tracking number is made of the key, so it is the same each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, kind: str, key: str, request: Mapping[str, Any]) -> Outcome:
        """A label, its end, or a claim."""
        if kind in ("buy_label", "return_label"):
            tracking = f"TP{int(hashlib.sha256(key.encode()).hexdigest()[:12], 16):014d}"
            path = self._folder / "labels" / f"{key}.zpl"
            await asyncio.to_thread(_write, path, zpl(request, tracking).encode())
            return Outcome(reference=path.name, tracking_number=tracking)
        path = self._folder / ("claims" if kind == "file_claim" else "labels") / f"{key}.{kind}.json"
        await asyncio.to_thread(_write, path, json.dumps({"kind": kind, **request}, indent=1).encode())
        return Outcome(reference=path.name)

    async def close(self) -> None:
        """Nothing is open."""


class FileLedger:
    """What the payment provider or SMS sender would have been asked, one JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = asyncio.Lock()

    async def send(self, kind: str, key: str, request: Mapping[str, Any]) -> Outcome:
        """One line, the first time."""
        async with self._writing:
            await asyncio.to_thread(self._append, kind, key, request)
        return Outcome(reference=f"ledger-{key}")

    async def close(self) -> None:
        """Nothing is open."""

    def _append(self, kind: str, key: str, request: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "a+b", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as stream:
            stream.seek(0)
            if any(json.loads(line)["key"] == key for line in stream):
                return
            stream.write(json.dumps({"key": key, "kind": kind, **request}).encode() + b"\n")


def mail_of(sender: str, key: str, request: Mapping[str, Any]) -> EmailMessage:
    """The message; its id is made of the key, so that a mail program shows a repeated one once."""
    message = EmailMessage()
    message["From"], message["To"] = sender, str(request["to"])
    message["Subject"] = " ".join(str(request["subject"]).split())
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{key}@{sender.rpartition('@')[2].rstrip('>')}>"
    message.set_content(str(request["text"]))
    return message


def zpl(request: Mapping[str, Any], tracking: str) -> str:
    """A 4x6 inch label: who gets it, from where, and the tracking number as Code 128."""
    lines = [str(line) for line in request.get("address", ()) if line]
    printed = "".join(f"^FO50,{150 + 45 * row}^A0N,36^FD{_field(line)}^FS" for row, line in enumerate(lines[:8]))
    return (
        f"^XA^CI28^FO50,50^A0N,28^FD{_field(str(request.get('title', '')))}^FS{printed}"
        f"^FO50,600^BY3^BCN,160,Y,N,N^FD{tracking}^FS"
        f"^FO50,840^A0N,28^FD{_field(str(request.get('service') or ''))}^FS^XZ\n"
    )


def _field(text: str) -> str:
    return "".join(" " if letter in "^~\\" or ord(letter) < 32 else letter for letter in text)[:60]
