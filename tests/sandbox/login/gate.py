# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision for one login: verifier, clock and log together. Both engines' doors ask here."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from tests.sandbox.login.auth_log import AuthErrorLog
from tests.sandbox.login.verifier import Login, RefusedError, Verifier

Admits = Callable[[Login], bool]
"""Whether a login is let in. Never raises: what cannot be judged is refused."""


def gate(verifier: Verifier, log: AuthErrorLog) -> Admits:
    def admits(login: Login) -> bool:
        now = datetime.now(UTC)
        try:
            verifier.check(login, now)
        except RefusedError as refused:
            log.append(login, refused, now)
            return False
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            reason = f"The verifier itself failed with {type(error).__name__}; see the control plane's log."
            log.append(login, RefusedError("InternalError", reason), now)
            return False
        return True

    return admits
