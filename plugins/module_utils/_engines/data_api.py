# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Sessions over the RDS Data API, as far as the engines share them: what its answers mean, pages, and the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Callable

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    ConnectionLost,
    StatementFailed,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._transport import (
    Conversation,
    DatabaseRefused,
    ResultTooLarge,
    Rows,
    TransactionLost,
)

_PAGE_SIZES = (1000, 100, 10, 1)


@dataclass(frozen=True)
class Answers:
    """What the Data API raises, as errors of the collection.

    title    of the cluster
    refusal  from the database's refusal of a statement to the engine's error
    """

    title: str
    refusal: Callable[[DatabaseRefused, str], AuroraIamError]

    @contextlib.contextmanager
    def about(self, statement: str) -> Iterator[None]:
        """Raises what ``refusal`` makes, ConnectionLost."""
        try:
            yield
        except DatabaseRefused as error:
            raise self.refusal(error, statement) from None
        except TransactionLost as error:
            raise self.lost(error) from None

    def lost(self, error: TransactionLost, in_doubt: Sequence[str] = ()) -> ConnectionLost:
        """``in_doubt``: what the server may have carried out."""
        sent = "what was sent last may have been done, so " if in_doubt else ""
        lost = ConnectionLost(
            f"The session with {self.title} was lost ({error}); {sent}run the task again, which does what is missing."
        )
        lost.in_doubt = tuple(in_doubt)
        return lost

    def all_pages(self, statement: str, read: Callable[[int], Iterator[Rows]]) -> Rows:
        """Read with ever smaller pages until each fits into an answer. Raises StatementFailed for a row that does not.

        read  from the number of rows in a page to the pages
        """
        for size in _PAGE_SIZES:
            with contextlib.suppress(ResultTooLarge):
                return [row for page in read(size) for row in page]
        raise StatementFailed(
            f"A row that {self.title} answers with is larger than the 64 KB that the Data API carries; use another "
            "login_method.",
            "",
            statement,
        )


def end_all(conversations: Iterable[Conversation], commit: bool = False) -> None:
    """Never raises: what is not ended here expires."""
    for conversation in conversations:
        with contextlib.suppress(AuroraIamError, DatabaseRefused, TransactionLost):
            conversation.end(commit)
