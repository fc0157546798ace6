# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS endpoint of the sandbox: RDS, IAM, STS and Secrets Manager on one port of 127.0.0.1."""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable
from typing import Any

from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts import models as sts
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.sandbox.aws.faults import FaultHook, Hooks
from tests.sandbox.aws.identities import find_credential
from tests.sandbox.servers.clusters import ACCOUNT_ID


class _Quiet(WSGIRequestHandler):
    """Without a line for each request: a playbook makes hundreds."""

    def log_request(self, *_status: object, **_named: object) -> None:
        return None


def _session_token() -> str:
    """As long as AWS's: moto's own have 356 characters, and what cuts tokens short would pass unseen."""
    return secrets.token_urlsafe(900)


_list_services = backends.list_of_moto_modules


@functools.cache
def _services() -> frozenset[str]:
    """moto's, which it would look for in its folder at every request."""
    return frozenset(_list_services())


def serve(
    port: int,
    refusals: Callable[[], list[dict[str, Any]]],
    hooks: Hooks | None = None,
    with_data_api: Callable[[Any], Any] = lambda application: application,
) -> BaseWSGIServer:
    """A server that is bound and not yet serving. ``refusals`` gives the entries of the iam-db-auth-error log;
    ``with_data_api`` puts the Data API before the other services.

    To be called before IAM is used, because moto reads its settings then: IAM knows AWS's own policies, and every
    request is one of this account, whatever access key signed it.
    """
    sts.random_session_token = _session_token
    backends.list_of_moto_modules = _services
    os.environ.update(MOTO_IAM_LOAD_MANAGED_POLICIES="true", MOTO_ACCOUNT_ID=ACCOUNT_ID)
    application = FaultHook(
        with_data_api(DomainDispatcherApplication(create_backend_app)), find_credential, refusals, hooks
    )
    return make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
