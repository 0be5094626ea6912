"""MCP servers that are programs on this machine. Which ones there are, only the operator says, in a file that no HTTP
API reaches: `{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"], "env": {"TZ": "UTC"}}}}`, the form
that desktop clients use. A command has to be on the operator's list of allowed ones as well.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from tradepost.foundation.errors import NotFound, SetupError
from tradepost.foundation.untrusted import clean
from tradepost.hub.upstreams import keeper
from tradepost.protocol.stdio_link import MAX_LINE_BYTES, Pipes

SCHEME = "stdio:"
SAID_BYTES = 4_000
ASKED_SECONDS = 1.0  # for those that end by themselves when their input ends
STOP_SECONDS = keeper.GRACE_SECONDS + 1.0

Stream = TypeVar("Stream")

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "SYSTEMROOT")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Program(BaseModel):
    """One entry of the file. `env` may name variables of the hub's own environment: "${GITHUB_TOKEN}". Their values
    are secrets; what stands in the file itself is none."""

    model_config = ConfigDict(extra="forbid")

    command: str = Field(min_length=1)
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    cwd: Path | None = None
    _secrets: set[str] = PrivateAttr(default_factory=set)

    def fill_in(self, value_of: Callable[[str], str]) -> None:
        """Put the values of variables into `env`."""

        def value(match: re.Match[str]) -> str:
            found = value_of(match[1])
            self._secrets.add(found)
            return found

        self.env = {name: _VARIABLE.sub(value, text) for name, text in self.env.items()}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not come back in an answer, the longest first; too short ones would mask half of it."""
        return tuple(sorted((value for value in self._secrets if len(value) >= 6), key=len, reverse=True))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mcpServers: dict[str, Program]


class Programs:
    """The operator's programs by name."""

    def __init__(self, programs: Mapping[str, Program] | None = None) -> None:
        self._programs = dict(programs or {})

    def names(self) -> list[str]:
        """In alphabetical order."""
        return sorted(self._programs)

    def starter(self, name: str) -> "Starter":
        """What starts a program. Raises NotFound."""
        program = self._programs.get(name)
        if program is None:
            raise NotFound(
                f"The operator's file of servers has no '{name[:60]}'.",
                hint="It is the file that TRADEPOST_SERVERS_FILE names, read when the hub starts.",
            )
        return Starter(name, program)


def read_programs(file: Path | None, allowed: Sequence[str], environment: Mapping[str, str] = os.environ) -> Programs:
    """The programs of the operator's file; none without a file. Raises SetupError for a file that cannot be used, a
    command that is not allowed, and a variable that is not set."""
    if file is None:
        return Programs()
    try:
        found = _File.model_validate(orjson.loads(file.read_bytes()))
    except OSError as error:
        raise _wrong(file, f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise _wrong(file, f"is not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(file, f"is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for name, program in found.mcpServers.items():
        if program.command not in allowed:
            raise _wrong(
                file,
                f"starts '{program.command}' for '{name}', which is not allowed",
                f"Add it to TRADEPOST_ALLOWED_COMMANDS if you trust it (now: {', '.join(allowed) or 'none'}).",
            )
        program.fill_in(_from(environment, file, name))
    return Programs(found.mcpServers)


def _from(environment: Mapping[str, str], file: Path, name: str) -> Callable[[str], str]:
    def value(variable: str) -> str:
        if variable not in environment:
            raise _wrong(file, f"wants the variable {variable} for '{name}', which is not set", "Set it for the hub.")
        return environment[variable]

    return value


def _wrong(file: Path, what: str, hint: str = "Mend the file that TRADEPOST_SERVERS_FILE names.") -> SetupError:
    return SetupError(f"The file of servers {file} {what}.", hint=hint)


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts one program, each time anew."""

    name: str
    program: Program

    async def __call__(self) -> "Running":
        """A running program. Raises OSError."""
        held, lifeline = os.pipe()
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", keeper.__file__, str(held)),
                *(self.program.command, *self.program.args),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_LINE_BYTES,
                env={**inherited, **self.program.env},
                cwd=self.program.cwd,
                pass_fds=(held,),
                start_new_session=True,  # Ctrl-C is for the hub, which then ends it
            )
        except BaseException:
            os.close(lifeline)
            raise
        finally:
            os.close(held)
        return Running(self, process, lifeline)


@dataclass(slots=True)
class Running(Pipes):
    """A started program: lines in, lines out, and the end of what it said on stderr."""

    starter: Starter
    process: asyncio.subprocess.Process
    lifeline: int
    _said: bytearray = field(default_factory=bytearray)
    _listening: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._listening = asyncio.create_task(self._listen(), name=f"stderr of {self.starter.name}")

    @property
    def reader(self) -> asyncio.StreamReader:
        return _present(self.process.stdout)

    @property
    def writer(self) -> asyncio.StreamWriter:
        return _present(self.process.stdin)

    def last_words(self) -> str:
        """The last line on stderr, without secrets."""
        text = self._said.decode("utf-8", "replace").strip()
        for secret in self.starter.program.secrets:
            text = text.replace(secret, "[hidden]")
        return clean(text.splitlines()[-1], 200) if text else ""

    async def stop(self) -> None:
        """End it with everything that it started: it is asked first, by the end of its input."""
        lifeline, self.lifeline = self.lifeline, -1
        if lifeline < 0:
            return
        self.writer.close()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), ASKED_SECONDS)
        finally:
            os.close(lifeline)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        if self._listening is not None:
            await self._listening

    async def _listen(self) -> None:
        stream = _present(self.process.stderr)
        while chunk := await stream.read(SAID_BYTES):
            self._said += chunk
            del self._said[:-SAID_BYTES]


def _present(stream: Stream | None) -> Stream:
    if stream is None:
        raise RuntimeError("A program was started without pipes.")
    return stream
