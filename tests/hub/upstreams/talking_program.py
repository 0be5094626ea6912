"""An MCP server of the older era on standard input and output, which can misbehave in every way a program can."""

import json
import os
import subprocess
import sys
import time

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "slow", "die", "flood", "environment")]
slow: list[int] = []


def say(message: dict) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(request_id: int, value: object) -> None:
    say({"id": request_id, "result": {"content": [{"type": "text", "text": json.dumps(value)}]}})


def call(request_id: int, name: str, arguments: dict, meta: dict) -> None:
    if name == "echo":
        if "progressToken" in meta:
            say({"method": "notifications/progress", "params": {"progressToken": meta["progressToken"], "progress": 1}})
        text(request_id, arguments)
    elif name == "slow":  # answered when the next call of it comes
        slow.append(request_id)
        if len(slow) == 2:
            for waiting in reversed(slow):
                text(waiting, waiting)
            slow.clear()
    elif name == "ask":
        say({"id": "q1", "method": "roots/list"})
        answer = json.loads(sys.stdin.readline())
        text(request_id, answer)
    elif name == "die":
        sys.stderr.write(f"out of memory near {os.environ.get('SECRET')}\n")
        sys.stderr.flush()
        sys.exit(3)
    elif name == "flood":
        sys.stdout.write("x" * 5_000_000 + "\n")
        sys.stdout.flush()
    elif name == "strays":
        for number in range(2_000):
            say({"id": 10_000 + number, "result": {}})
    elif name == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        text(request_id, [os.getpid(), child.pid])
    elif name == "environment":
        text(request_id, dict(os.environ))


def main() -> None:
    sys.stdout.write("Welcome to the talking program!\n")
    sys.stdout.flush()
    for line in sys.stdin:
        message = json.loads(line)
        method, request_id, params = message.get("method"), message.get("id"), message.get("params", {})
        if method == "initialize":
            served = {"tools": {}}
            info = {"name": "talking", "version": str(os.getpid())}
            say(
                {
                    "id": request_id,
                    "result": {"protocolVersion": "2025-06-18", "capabilities": served, "serverInfo": info},
                }
            )
        elif method == "tools/list":
            say({"id": request_id, "result": {"tools": TOOLS}})
        elif method == "tools/call":
            call(request_id, params["name"], params.get("arguments", {}), params.get("_meta", {}))
        elif method == "notifications/cancelled" and "--note" in sys.argv:
            sys.stderr.write(f"cancelled {params['requestId']}\n")
            sys.stderr.flush()
        elif request_id is not None and method is not None:
            say({"id": request_id, "error": {"code": -32601, "message": "unknown"}})
    if "--stay" in sys.argv:
        time.sleep(600)


main()
