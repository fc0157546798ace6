# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.options import aws_spec

PLUGINS = "ansible_collections.dbops.aurora_iam.plugins"
SLOW = ("boto3", "botocore", "pymysql", "psycopg2", f"{PLUGINS}.module_utils._engines.mysql.engine")


def test_the_options_are_those_of_amazon_aws():
    assert aws_spec() == aws_argument_spec()


def test_a_module_imports_nothing_slow_before_it_knows_what_it_needs():
    program = f"import sys, {PLUGINS}.modules.aurora_iam_users\nprint(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, check=True
    ).stdout
    assert not set(SLOW) & set(loaded.decode().split())
