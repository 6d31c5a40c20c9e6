# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one tree of errors. Whatever goes wrong by intention is a `SyncError`.

`str(error)` is the whole message for the person at the terminal: what was asked of
which service, what it said in its own words, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

_SHOWN = 100


def quoted(value: object) -> str:
    """What a person or a service has given, as a message shows it: in quotes, escaped, no longer than
    a line."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as results show it (`failure`): a code that stays as it is, and what a service said.

    `service` is `graph`, `itglue`, `bms`, `journal`, or None where no service failed; `status` is the
    HTTP status, None where there was no answer; `said` are the service's own words.
    """

    code: str
    service: str | None = None
    status: int | None = None
    said: str = ""


class SyncError(Exception):
    """Any failure that the collection foresees.

    `hint` says the way out; `result` is what a task returns beside the message, so
    that what was done is known on failure too.
    """

    code: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str | None = None, result: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.result = result or {}

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    @property
    def failure(self) -> Failure:
        """The failure as results show it."""
        return Failure(self.code)


class InputError(SyncError):
    """What was declared, or what is stored, cannot be acted on. Raised before any write."""

    code: ClassVar[str] = "invalid_input"


class OverrideError(InputError):
    """An entry of `match_overrides` or `bms_match_overrides` (`option`) does not fit what was read. `user_id` and
    `username` are its user's."""

    def __init__(self, message: str, *, option: str, user_id: str, username: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.option = option
        self.user_id = user_id
        self.username = username


class SettingsError(InputError):
    """The settings of an organization are missing or break a rule."""

    code: ClassVar[str] = "invalid_settings"


class LimitExceededError(SyncError):
    """The plan exceeds a limit. Nothing has been written; `result` holds the plan."""

    code: ClassVar[str] = "limit_exceeded"


class PushesStoppedError(SyncError):
    """IT Glue pushes contacts to BMS too, so the run pushed no further; `result` holds what was done."""

    code: ClassVar[str] = "pushes_stopped"


class StarvedError(SyncError):
    """A quota has deferred a client so often that its task fails; `result` holds what was done."""

    code: ClassVar[str] = "starved"


class ApiError(SyncError):
    """A service refused, failed or could not be understood.

    `service` is `graph`, `itglue` or `bms`; `request` is the method and the path;
    `status` the HTTP status, None when there was no answer; `said` the service's own
    words.
    """

    code: ClassVar[str] = "service_failed"

    def __init__(
        self,
        message: str,
        *,
        service: str,
        request: str = "",
        status: int | None = None,
        said: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.service = service
        self.request = request
        self.status = status
        self.said = said

    @property
    def failure(self) -> Failure:
        return Failure(self.code, self.service, self.status, self.said)


class AuthenticationError(ApiError):
    """The credentials are wrong, expired, or not for this tenant or region."""

    code: ClassVar[str] = "authentication_failed"


class PermissionDeniedError(ApiError):
    """The credentials are right but lack a permission; the message names it."""

    code: ClassVar[str] = "permission_denied"


class NotFoundError(ApiError):
    """The addressed object or path does not exist."""

    code: ClassVar[str] = "not_found"


class RejectedError(ApiError):
    """The service understood the write and refuses it; nothing was changed.

    `pointers` are the JSON pointers of the refused attributes, where the service
    names them.
    """

    code: ClassVar[str] = "rejected"

    def __init__(self, message: str, *, pointers: tuple[str, ...] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.pointers = pointers


class QuotaExceededError(ApiError):
    """The service's quota is used up; `retry_after` is in seconds, None when not said."""

    code: ClassVar[str] = "quota_exceeded"

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class UnavailableError(ApiError):
    """No usable answer after all the tries that are safe. A write did not take place."""

    code: ClassVar[str] = "unavailable"


class OutcomeUnknownError(ApiError):
    """A write was sent and its outcome is not known. Look before trying again."""

    code: ClassVar[str] = "outcome_unknown"


class ProtocolError(ApiError):
    """A successful answer that is not what the service documents."""

    code: ClassVar[str] = "unexpected_answer"
