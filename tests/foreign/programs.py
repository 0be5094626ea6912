"""Programs that people connect, as their makers publish them: each lives in a folder of its own, knows the hub's
address, has no key, and is led by the commands of docs/how-to/connect-with-oauth.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Protocol

from tests.foreign.installed import Programs
from tests.foreign.terminal import Terminal

AUTHORIZE = r"http://\S+/oauth/authorize\?\S+(?=\s)"
SECONDS = 60.0
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "desk", "version": "1"},
}

Opened = Callable[[str], None]
"""What a person does with an address that a program wants to be opened."""


@dataclass(frozen=True)
class Setting:
    """Where a program lives. `model` is what stands in for its language model, `told` what that heard from tools."""

    programs: Programs
    hub: str
    home: Path
    model: str
    told: list[str]

    @property
    def env(self) -> dict[str, str]:
        """What it gets of the world: no display, no other settings, and a browser that opens nothing."""
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
            "BROWSER": "true",
            "CODEX_HOME": str(self.home),
            "MCP_REMOTE_CONFIG_DIR": str(self.home / "mcp-remote"),
            "ANTHROPIC_BASE_URL": self.model,
            "ANTHROPIC_API_KEY": "sk-not-a-key",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ENABLE_TOOL_SEARCH": "false",  # all tools are shown to the model at once
            "MCP_CONNECTION_NONBLOCKING": "false",
        }

    def run(self, *command: str) -> str:
        """What a command of the program said, whatever its exit status."""
        ended = subprocess.run(
            command, env=self.env, cwd=self.home, capture_output=True, text=True, timeout=SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return ended.stdout + ended.stderr

    def heard(self) -> str | None:
        """What tools said since this was last asked."""
        said, self.told[:] = "\n".join(self.told), []
        return said or None


class Program(Protocol):
    """`name` is how the hub knows it. What it cannot do without a person it does not do."""

    name: str

    def connect(self, opened: Opened) -> str:
        """Be let in by a person; what it said about that."""
        ...

    def call(self) -> str | None:
        """What `get_order` said to it; None where it did not get that far."""
        ...


class Codex:
    """OpenAI's Codex. It signs in when a server is added that wants it, and on `codex mcp login`."""

    name = "Codex"

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._command = setting.programs.codex
        self._added = False

    def connect(self, opened: Opened) -> str:
        how = ("login", "tradepost") if self._added else ("add", "tradepost", "--url", f"{self._setting.hub}/mcp")
        self._added = True
        with Terminal([*self._command, "mcp", *how], self._setting.env, self._setting.home) as terminal:
            while (found := terminal.wait_for(f"{AUTHORIZE}|Successfully logged in|Error")).startswith("http"):
                opened(found)  # where that was refused it asks once more, for no scope
            terminal.end()
            return terminal.said

    def call(self) -> str | None:
        provider = f'{{name="double",base_url="{self._setting.model}/v1",wire_api="responses"}}'
        model = ("-c", f"model_providers.double={provider}", "-c", "model_provider=double", "-m", "gpt-5")
        free = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
        self._setting.run(*self._command, "exec", *free, *model, "Why is order 88213 late?")
        said = self._setting.heard()
        return None if said is None or "unsupported call" in said else said


class ClaudeCode:
    """Anthropic's Claude Code."""

    name = "Claude Code (tradepost)"

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._command = setting.programs.claude
        add = ("mcp", "add", "--transport", "http", "tradepost", f"{setting.hub}/mcp")
        assert "Added" in setting.run(self._command, *add)

    def connect(self, opened: Opened) -> str:
        assert "Needs authentication" in self._setting.run(self._command, "mcp", "list")
        login = [self._command, "mcp", "login", "tradepost"]
        with Terminal(login, self._setting.env, self._setting.home) as terminal:
            opened(terminal.wait_for(AUTHORIZE))
            terminal.end()
            return terminal.said

    def call(self) -> str | None:
        allowed = ("--allowedTools", "mcp__tradepost")
        self._setting.run(self._command, "-p", "Why is order 88213 late?", *allowed)
        return self._setting.heard()


class McpRemote:
    """mcp-remote, with which programs that only start commands reach a hub: it opens the browser when it is let in
    nowhere, and so is connected by its first call."""

    name = "MCP CLI Proxy"

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def connect(self, opened: Opened) -> str:
        said, answers = self._asked(opened)
        return f"{said}\nSuccessfully logged in." if answers else said

    def call(self) -> str | None:
        answers = self._asked(None)[1]
        return None if answers is None else json.dumps(answers[-1]["result"])

    def _asked(self, opened: Opened | None) -> tuple[str, list[dict[str, Any]] | None]:
        """What it said, and its answers to a client that initializes and calls; None where it wanted a person."""
        setting, said = self._setting, []
        command = [setting.programs.node, setting.programs.mcp_remote, f"{setting.hub}/mcp"]
        with subprocess.Popen(
            command, env=setting.env, cwd=setting.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            late = Timer(SECONDS, process.kill)
            late.start()
            try:
                for line in process.stderr:
                    said.append(line)
                    found = re.search(AUTHORIZE, line)
                    if found is not None:
                        if opened is None:
                            return "".join(said), None
                        opened(found[0])
                        opened = None
                    if "Authorization failed" in line:
                        return "".join(said), None
                    if "Proxy established" in line:
                        break
                else:
                    raise AssertionError(f"it did not get anywhere\n{''.join(said)}")
                return "".join(said), [
                    _answer(process, 1, "initialize", INITIALIZE),
                    _answer(process, 2, "tools/call", {"name": "get_order", "arguments": {"order_id": "88213"}}),
                ]
            finally:
                late.cancel()
                process.terminate()


def _answer(process: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        if message.get("id") == number:
            return message
    raise AssertionError(f"no answer to {method}")
