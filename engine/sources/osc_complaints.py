"""What OSC has to say about packets it cannot follow: each fault once, and not many of them.

A stranger may send anything, thirty times a second; the terminal is the performer's.
"""

from collections.abc import Callable

MOST_TOLD = 50
LONGEST_SUBJECT = 100
LONGEST_LINE = 300


class Complaints:
    """Tells one line, through `tell`, for each subject."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def first(self, subject: str) -> bool:
        """Whether this subject is to be told: it is new, and neither too long nor one too many."""
        return subject not in self._told and len(self._told) < MOST_TOLD and len(subject) <= LONGEST_SUBJECT

    def tell(self, subject: str, line: str) -> None:
        """Tells `line`, unless the subject has been told before."""
        if self.first(subject):
            self._told.add(subject)
            self._tell(f"osc: {line[:LONGEST_LINE]}")
