# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.mysql.grammar.privileges import flag_column


def test_the_columns_of_the_flags():
    assert flag_column("SELECT") == "Select_priv"
    assert flag_column("CREATE TEMPORARY TABLES") == "Create_tmp_table_priv"
    assert flag_column("LOCK TABLES") == "Lock_tables_priv"
