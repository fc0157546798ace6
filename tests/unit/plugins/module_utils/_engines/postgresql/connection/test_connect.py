# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.connection.errors import explain
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint, Login

ENDPOINT = Endpoint("cluster ledger", "aurora-postgresql", "ledger.cluster-x.example.org", 5432)
PASSWORD, TOKEN = Credentials("dba", "hunter2"), Credentials("dba", "token", is_token=True, signed="S")
REFUSED = 'FATAL:  password authentication failed for user "dba"'


def sentence(credentials: Credentials, text: str) -> str:
    login = Login(ENDPOINT, ENDPOINT.host, ENDPOINT.port, lambda: credentials)
    return explain(login, credentials, "ledger", text)


def test_a_token_that_was_taken_for_a_password_is_not_called_one():
    assert "wrong credentials for dba; check the name and the password" in sentence(PASSWORD, REFUSED)
    assert "took the IAM token of dba for a password; check that the role exists" in sentence(TOKEN, REFUSED)
    assert sentence(TOKEN, REFUSED).endswith("the token was signed for S.")


def test_a_refused_token_sends_to_the_policy():
    refused = 'FATAL:  PAM authentication failed for user "dba"'
    assert "refused the IAM token of dba, signed for S; check that a policy allows rds-db" in sentence(TOKEN, refused)
    assert "log in with an IAM token if dba is a member of rds_iam on purpose" in sentence(PASSWORD, refused)
