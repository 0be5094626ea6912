"""The error tree. Each error knows its public code; one translator per edge (MCP, HTTP, exit status) does the rest.

TradepostError
  InvalidArgument      the caller's arguments are wrong               invalid_argument
  NotFound             unknown, or not visible to the caller          not_found
  ForbiddenScope       the principal lacks a scope                    forbidden_scope
  Unauthenticated      no valid credential                            unauthenticated (HTTP 401 only)
  StateConflict        illegal transition; lists the allowed ones     state_conflict
  VersionConflict      expected_version is stale                      version_conflict
  IdempotencyConflict  same key, other arguments                      idempotency_conflict
  InProgress           the same call is still running                 in_progress
  LimitExceeded        a policy or money limit                        limit_exceeded
  RateLimited          too many calls                                 rate_limited
  UpstreamTimeout      a server did not answer in time                upstream_timeout
  UpstreamError        a server answered wrongly or not at all        upstream_error
  Unavailable          the hub itself cannot do it now                unavailable
  SetupError           configuration or start: shown by the CLI       setup_error
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class TradepostError(Exception):
    """Root of all errors a person or a model gets to see.

    `message` says what happened and why, `hint` what to do next, `field` names the argument at fault.
    """

    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        field: str | None = None,
        retry_after_seconds: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field
        self.retry_after_seconds = retry_after_seconds
        self.details = dict(details or {})

    def as_dict(self) -> dict[str, Any]:
        """The public shape of C9: code, message, retryable, and where known retry_after, hint, field, details."""
        shape: dict[str, Any] = {"code": self.code, "message": self.message, "retryable": self.retryable}
        if self.retry_after_seconds is not None:
            shape["retry_after"] = self.retry_after_seconds
        if self.hint is not None:
            shape["hint"] = self.hint
        if self.field is not None:
            shape["field"] = self.field
        if self.details:
            shape["details"] = self.details
        return shape


class InvalidArgument(TradepostError):
    code = "invalid_argument"


class NotFound(TradepostError):
    code = "not_found"


class ForbiddenScope(TradepostError):
    code = "forbidden_scope"


class Unauthenticated(TradepostError):
    code = "unauthenticated"


class StateConflict(TradepostError):
    code = "state_conflict"


class VersionConflict(TradepostError):
    code = "version_conflict"


class IdempotencyConflict(TradepostError):
    code = "idempotency_conflict"


class InProgress(TradepostError):
    code = "in_progress"
    retryable = True


class LimitExceeded(TradepostError):
    code = "limit_exceeded"


class RateLimited(TradepostError):
    code = "rate_limited"
    retryable = True


class UpstreamTimeout(TradepostError):
    code = "upstream_timeout"
    retryable = True


class UpstreamError(TradepostError):
    code = "upstream_error"
    retryable = True


class Unavailable(TradepostError):
    code = "unavailable"
    retryable = True


class SetupError(TradepostError):
    code = "setup_error"
