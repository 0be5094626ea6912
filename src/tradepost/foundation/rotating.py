"""Secrets that change while the hub runs."""

from collections.abc import Callable, Sequence

# The secrets of one purpose as they are now, 32 bytes each: the first one makes, all of them open. To be asked each
# time, never kept: after a rotation there is another one in front.
Rotating = Callable[[], Sequence[bytes]]
