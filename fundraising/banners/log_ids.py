"""The ids of banner histories."""

import re

_LOG_ID = re.compile(r"[0-9a-f]{10,20}")


def is_log_id(text: str) -> bool:
    """Whether this can be the id of a banner history: 10 to 20 hex digits, lower case."""
    return _LOG_ID.fullmatch(text) is not None
