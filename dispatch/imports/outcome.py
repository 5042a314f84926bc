"""What became of a row."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Outcome:
    what: str  # created, updated, unchanged or rejected
    has_location: bool = True
    reason: str = ""


def rejected(reason: str) -> Outcome:
    return Outcome("rejected", reason=reason)


@dataclass
class Summary:
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    without_location: int = 0

    def count(self, outcome: Outcome) -> None:
        self.read += 1
        setattr(self, outcome.what, getattr(self, outcome.what) + 1)
        self.without_location += not outcome.has_location

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
