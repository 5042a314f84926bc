"""JSON of which everything is looked at before it is believed; a mistake is told with its place. Pure."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

LARGEST: Final = (1 << 64) - 1


class BadInput(ValueError):
    """What is wrong and where: "jobs[3].location: ..."."""


def parse(data: bytes) -> "Value":
    try:
        return Value(json.loads(data.decode("utf-8-sig"), parse_constant=_refuse))
    except UnicodeDecodeError as error:
        raise BadInput(f"The file is not UTF-8: byte {error.start + 1} is wrong.") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"The file is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise BadInput("The file is not JSON that can be read: it is nested too deeply.") from None
    except BadInput:
        raise
    except ValueError:
        raise BadInput("The file is not JSON that can be read: one of its numbers is too long.") from None


def _refuse(constant: str) -> None:
    raise BadInput(f"The file is not JSON: {constant} is no number there.")


@dataclass(frozen=True)
class Value:
    """A value of the file and where it stands."""

    raw: Any
    path: str = ""

    def wrong(self, what: str) -> BadInput:
        return BadInput(f"{self.path}: {what}" if self.path else f"The file {what}")

    def get(self, key: str) -> "Value | None":
        """None also where null is given."""
        value = self._as_object().get(key)
        return None if value is None else Value(value, f"{self.path}.{key}" if self.path else key)

    def need(self, key: str) -> "Value":
        found = self.get(key)
        if found is None:
            raise Value(None, f"{self.path}.{key}" if self.path else key).wrong("is missing")
        return found

    def items_at(self, key: str) -> "list[Value]":
        """Empty where nothing is given."""
        found = self.get(key)
        return found.items() if found else []

    def whole_at(self, key: str, *, most: int = LARGEST) -> int:
        """0 where nothing is given."""
        found = self.get(key)
        return found.whole(most=most) if found else 0

    def names(self) -> Collection[str]:
        return self._as_object().keys()

    def _as_object(self) -> dict:
        if not isinstance(self.raw, dict):
            raise self.wrong(f"must be an object, not {_told(self.raw)}")
        return self.raw

    def items(self, *, count: int | None = None) -> list["Value"]:
        if not isinstance(self.raw, list):
            raise self.wrong(f"must be a list, not {_told(self.raw)}")
        if count is not None and len(self.raw) != count:
            raise self.wrong(f"must have {count} values, not {len(self.raw)}")
        return [Value(value, f"{self.path}[{number}]") for number, value in enumerate(self.raw)]

    def whole(self, *, least: int = 0, most: int = LARGEST) -> int:
        if type(self.raw) is not int or not least <= self.raw <= most:
            limits = f"from {least} on" if most == LARGEST else f"from {least} to {most}"
            raise self.wrong(f"must be a whole number {limits}, not {_told(self.raw)}")
        return self.raw

    def number(self, *, least: float, most: float) -> float:
        # A number such as 1e999 is infinite when it is read, and fails here too.
        if type(self.raw) not in (int, float) or not least <= self.raw <= most:
            raise self.wrong(f"must be a number from {least:g} to {most:g}, not {_told(self.raw)}")
        return float(self.raw)

    def text(self) -> str:
        if not isinstance(self.raw, str):
            raise self.wrong(f"must be a text, not {_told(self.raw)}")
        return self.raw


def _told(raw: Any) -> str:
    """As it stands in the file, if that is short."""
    kinds = {dict: "an object", list: "a list"}
    if type(raw) in kinds:
        return kinds[type(raw)]
    try:
        told = json.dumps(raw)
    except ValueError:  # more digits than Python writes
        return "a very long number"
    return told if len(told) <= 40 else told[:37] + "..."
