# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log in: the checks that RDS makes on an IAM authentication token.

Pure but for the lookup it is given: no database, no network, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest

from tests.sandbox.aws.policy import Decision, evaluate
from tests.sandbox.login.token import ALGORITHM, SERVICE, LoginToken
from tests.sandbox.servers.clusters import ACCOUNT_ID, REGION, TWIN_REGION, RunningCluster

ACTION = "rds-db:connect"
LIFETIME = timedelta(seconds=900)
CLOCK_SKEW = timedelta(minutes=5)

_STATUS = {"InvalidToken": 400, "ExpiredToken": 400, "NotAuthorized": 403, "InternalError": 500}


class RefusedError(Exception):
    """A login is refused. ``error`` is one of the iam-db-auth-error log's words; the reason is one sentence."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error
        self.status = _STATUS[error]
        self.reason = reason


@dataclass(frozen=True)
class Login:
    """What a database server hands over when somebody logs in."""

    cluster: str
    """The cluster's identifier."""
    user: str
    """The login name, in the case that the client wrote."""
    token: str = field(repr=False)
    uses_tls: bool


@dataclass(frozen=True)
class Principal:
    arn: str
    policies: tuple[str, ...]
    """The JSON texts of every identity policy in force: inline, attached, and through groups."""
    ceilings: Mapping[str, str] = field(default_factory=dict)
    """What has to allow as well, by its name for people: a permissions boundary, a session policy."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys in lower case, such as aws:username."""


@dataclass(frozen=True)
class Credential:
    """The secret half of an access key, and whose it is. Temporary ones have a session token and an end."""

    secret_key: str = field(repr=False)
    principal: Principal
    active: bool = True
    session_token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


class Verifier:
    """``find_credential`` gives the credential of an access key id, or None where there is none."""

    def __init__(
        self, clusters: Mapping[str, RunningCluster], find_credential: Callable[[str], Credential | None]
    ) -> None:
        self._clusters = clusters
        self._find_credential = find_credential

    def check(self, login: Login, now: datetime) -> None:
        """Returns when the login is to be let in at ``now`` (aware of its time zone), raises RefusedError otherwise."""
        if not login.uses_tls:
            raise RefusedError("InvalidToken", "The connection does not use TLS, so the token was not even read.")
        cluster = self._clusters.get(login.cluster)
        if cluster is None:
            raise RefusedError("InvalidToken", f"There is no cluster {login.cluster!r}.")
        try:
            token = LoginToken.parse(login.token)
        except ValueError as error:
            raise RefusedError("InvalidToken", f"The password is not an authentication token: {error}.") from None
        _check_request(token)
        region = token.scope.region
        resource_id = _addressee(token, login, cluster.twin if region == TWIN_REGION else cluster)
        _check_age(token, now)
        _check_policies(self._signer(token, now), connect_arn(resource_id, login.user, region), region, now)

    def _signer(self, token: LoginToken, now: datetime) -> Principal:
        access_key = token.scope.access_key
        credential = self._find_credential(access_key)
        if credential is None:
            raise RefusedError("InvalidToken", f"No access key {access_key[:64]!r} exists in account {ACCOUNT_ID}.")
        if not credential.active:
            raise RefusedError("InvalidToken", f"The access key {access_key} is not active.")
        presented = token.security_token or ""
        if not compare_digest(presented.encode(), (credential.session_token or "").encode()):
            raise RefusedError("InvalidToken", f"The session token is not the one of the access key {access_key}.")
        if credential.expires is not None and credential.expires <= now:
            raise RefusedError(
                "ExpiredToken", f"The temporary credentials of the access key {access_key} have expired."
            )
        if not token.is_signed_with(credential.secret_key):
            raise RefusedError(
                "InvalidToken", f"The signature was not made with the secret of access key {access_key}."
            )
        return credential.principal


def connect_arn(resource_id: str, user: str, region: str = REGION) -> str:
    """The resource that a policy has to name for this account of a cluster, an instance or a proxy."""
    return f"arn:aws:rds-db:{region}:{ACCOUNT_ID}:dbuser:{resource_id}/{user}"


def _check_request(token: LoginToken) -> None:
    """Whether it is the one request that a token may be: a connect, presigned for the service and region."""
    scope = token.scope
    expected = {
        "Action": (token.parameters["Action"], "connect"),
        "algorithm": (token.parameters["X-Amz-Algorithm"], ALGORITHM),
        "list of signed headers": (token.parameters["X-Amz-SignedHeaders"], "host"),
        "lifetime": (token.parameters["X-Amz-Expires"], str(int(LIFETIME.total_seconds()))),
        "service": (scope.service, SERVICE),
        "region": (scope.region, TWIN_REGION if scope.region == TWIN_REGION else REGION),
        "credential's terminator": (scope.terminator, "aws4_request"),
        "credential's date": (scope.date, token.signed_at.strftime("%Y%m%d")),
    }
    for name, (actual, wanted) in expected.items():
        if actual != wanted:
            raise RefusedError("InvalidToken", f"The token's {name} is {actual[:64]!r} where {wanted!r} is needed.")


def _addressee(token: LoginToken, login: Login, cluster: RunningCluster) -> str:
    """The resource ID of the endpoint that the token was signed for."""
    resource_id = cluster.resource_at(token.host, token.port)
    if resource_id is None:
        reason = f"The token is for {token.host}:{token.port}, which is no endpoint of cluster {login.cluster}."
        raise RefusedError("InvalidToken", reason)
    user = token.parameters["DBUser"]
    if user != login.user:
        detail = " (the case differs)" if user.casefold() == login.user.casefold() else ""
        raise RefusedError(
            "InvalidToken", f"The token is for user {user[:64]!r}, the login is as {login.user!r}{detail}."
        )
    return resource_id


def _check_age(token: LoginToken, now: datetime) -> None:
    age = now - token.signed_at
    if age > LIFETIME:
        raise RefusedError("ExpiredToken", f"The token is {age.total_seconds():.0f} s old, and tokens live 900 s.")
    if -age > CLOCK_SKEW:
        ahead = f"{-age.total_seconds():.0f} s"
        raise RefusedError("InvalidToken", f"The token was signed {ahead} in the future, so a clock is wrong.")


def _check_policies(principal: Principal, resource: str, region: str, now: datetime) -> None:
    context = {
        "aws:principalarn": principal.arn,
        "aws:principalaccount": ACCOUNT_ID,
        "aws:requestedregion": region,
        "aws:securetransport": "true",
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
        **principal.context,
    }
    layers = {"identity policies": principal.policies, **{name: (text,) for name, text in principal.ceilings.items()}}
    decisions = {name: evaluate(documents, ACTION, resource, context) for name, documents in layers.items()}
    for name, decision in decisions.items():
        if decision is Decision.EXPLICIT_DENY:
            reason = f"{ACTION} on {resource} is explicitly denied to {principal.arn} by its {name}."
            raise RefusedError("NotAuthorized", reason)
    for name, decision in decisions.items():
        if decision is not Decision.ALLOWED:
            reason = f"{ACTION} on {resource} is not allowed to {principal.arn} by its {name}."
            raise RefusedError("NotAuthorized", reason)
