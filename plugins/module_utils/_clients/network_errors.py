# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a request had no answer, and whether it can have reached the service."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

try:
    from requests.exceptions import (
        ConnectTimeout,
        InvalidHeader,
        InvalidSchema,
        InvalidURL,
        MissingSchema,
        ProxyError,
        RequestException,
        Timeout,
    )
    from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError, ReadTimeoutError
except ImportError:
    TRANSPORT_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError)
else:
    TRANSPORT_ERRORS = (RequestException, HTTPError, OSError, ValueError)


class AnswerTooSlowError(OSError):
    """The answer was not whole within so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"its answer was not complete within {round(seconds, 1):g} s")


class AnswerTooLargeError(OSError):
    """The answer has more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"its answer is larger than {limit // 2**20} MB")


def never_connected(error: Exception) -> bool:
    """Whether the request surely was not sent: no name, no connection, no proxy."""
    return isinstance(error, (ConnectTimeout, ProxyError)) or _holds(error, NewConnectionError)


def never_sendable(error: Exception) -> bool:
    """Whether an odd character in the address, a header or the proxy kept the request from being sent. An answer that
    cannot be parsed is a `ValueError` too, and says nothing about what the service did."""
    if isinstance(error, InvalidHeader):
        return not _holds(error, HTTPError)  # else the header is one of the answer
    return isinstance(error, (UnicodeEncodeError, InvalidSchema, InvalidURL, MissingSchema, LocationValueError))


def certificate_refused(error: Exception) -> bool:
    return _holds(error, ssl.SSLCertVerificationError)


def timed_out(error: Exception) -> bool:
    return isinstance(error, (AnswerTooSlowError, Timeout)) or _holds(error, ReadTimeoutError)


def reason(error: Exception) -> str:
    """Why there was no answer, in words that hold no query and no header."""
    if isinstance(error, (AnswerTooLargeError, AnswerTooSlowError)):
        return str(error)
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message})"
            case socket.gaierror():
                return "its name is not known"
    if isinstance(error, ProxyError):
        return "the proxy did not let the request through"
    if isinstance(error, ConnectTimeout):
        return "no connection in time"
    if timed_out(error):
        return "no answer in time"
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    if never_connected(error):
        return "no connection"
    if never_sendable(error):
        return "the request could not be sent"
    return "its answer cannot be read" if isinstance(error, ValueError) else "the connection broke"


def _holds(error: Exception, kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from, as requests and urllib3 nest them.

    `__context__` is left out: it may lead to an earlier failure that has nothing to
    do with this one.
    """
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if isinstance(current, BaseException):
            yield current
            waiting += [current.__cause__, getattr(current, "reason", None), *current.args]
