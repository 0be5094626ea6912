"""Runs one command and ends with it, or ends it: the whole process group of the command goes when the hub goes, however
the hub ends. A program of its own, which needs nothing but Python: `python -I -S keeper.py LIFELINE COMMAND ARGUMENT…`.

The lifeline is a pipe whose other end only the hub holds. When it closes, by `stop` or because the hub was killed, the
group is asked to end (SIGTERM), and a moment later made to (SIGKILL).
"""

import os
import select
import signal
import subprocess
import sys

GRACE_SECONDS = 2.0
NOT_STARTED = 127


def main(lifeline: int, command: list[str]) -> int:
    """The exit status of the command. NOT_STARTED, with the reason on stderr, when there is no such program."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return NOT_STARTED
    _let_go_of_pipes()
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, woken], [], [])
        if woken in ready:
            wanted = set(os.read(woken, 64)) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
            if not wanted:
                continue
        _end(child, signal.SIGTERM)
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            break
    _end(child, signal.SIGKILL)
    return child.wait()


def _let_go_of_pipes() -> None:
    """They are the command's alone: when it ends, the hub has to see that."""
    for number in (0, 1):
        os.close(number)


def _end(child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]) & 0xFF)
