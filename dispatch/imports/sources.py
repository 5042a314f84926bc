"""Where a field's text comes from in a row: a column, a template of several, a constant; then perhaps a value map."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"\{([^{}]+)\}|\[([^\[\]]*)\]|([^{}\[\]]+)|(.)", re.DOTALL)
_KEYS = {"column", "template", "constant", "values", "default"}


class SourceError(ValueError):
    """Says in one sentence what is wrong with a field of a mapping."""


class UnlistedValue(ValueError):
    pass


@dataclass(frozen=True)
class Template:
    """Literal texts, columns, and optional parts in square brackets that go when one of their columns is empty."""

    parts: tuple  # of ("text", str), ("column", str) or ("optional", Template)

    @classmethod
    def parse(cls, text: str) -> "Template":
        parts = []
        for column, optional, literal, stray in _TOKEN.findall(text):
            if stray:
                raise SourceError(f"“{stray}” has no partner in the template “{text}”.")
            if column:
                parts.append(("column", column.strip()))
            elif literal:
                parts.append(("text", literal))
            else:
                parts.append(("optional", cls.parse(optional)))
        return cls(tuple(parts))

    @property
    def columns(self) -> list[str]:
        names = []
        for kind, part in self.parts:
            names += [part] if kind == "column" else part.columns if kind == "optional" else []
        return names

    def fill(self, cells: Mapping[str, str]) -> str:
        """Empty if a column outside of brackets is."""
        filled = []
        for kind, part in self.parts:
            if kind == "column":
                text = cells[part].strip()
                if not text:
                    return ""
            else:
                text = part if kind == "text" else part.fill(cells)
            filled.append(text)
        return "".join(filled)


class ValueMap:
    """Their words to ours, whatever the case; `*` stands for anything, the first pattern that fits wins."""

    def __init__(self, values: dict[str, str]):
        self.outcomes = list(values.values())
        self._exact = {key.casefold(): ours for key, ours in values.items() if "*" not in key}
        patterns = {key.casefold(): ours for key, ours in values.items() if "*" in key}
        self._pattern_outcomes = list(patterns.values())
        expression = "|".join("(" + re.escape(key).replace(r"\*", ".*") + ")" for key in patterns)
        self._pattern = re.compile(expression, re.DOTALL) if patterns else None

    def find(self, text: str) -> str | None:
        text = text.casefold()
        if text in self._exact:
            return self._exact[text]
        match = self._pattern and self._pattern.fullmatch(text)
        return self._pattern_outcomes[match.lastindex - 1] if match else None


@dataclass(frozen=True)
class Source:
    templates: tuple[Template, ...]
    values: ValueMap | None = None
    default: str = ""

    @classmethod
    def read(cls, name: str, spec: object) -> "Source":
        """From a mapping: a column's name, or a table with one of column, template, constant; values; default."""
        if isinstance(spec, str):
            spec = {"column": spec}
        if not isinstance(spec, dict):
            raise SourceError(f"{name} must be the name of a column or a table.")
        for key in spec:
            if key not in _KEYS:
                raise SourceError(f"unknown key “{key}” in {name}; known are {', '.join(sorted(_KEYS))}.")
        kinds = [kind for kind in ("column", "template", "constant") if kind in spec]
        if len(kinds) != 1:
            raise SourceError(f"{name} needs exactly one of column, template and constant.")
        _check_texts(name, spec)
        values = ValueMap(spec["values"]) if "values" in spec else None
        return cls(_templates(kinds[0], spec[kinds[0]]), values, spec.get("default", ""))

    @property
    def columns(self) -> list[str]:
        return [column for template in self.templates for column in template.columns]

    @property
    def outcomes(self) -> list[str]:
        """Texts that the mapping itself gives, whatever the row."""
        constants = [] if self.values or self.columns else [template.fill({}) for template in self.templates]
        return [self.default, *(self.values.outcomes if self.values else []), *constants]

    def text(self, cells: Mapping[str, str]) -> str:
        """Raises UnlistedValue for what a value map without a default does not know."""
        text = next((filled for template in self.templates if (filled := template.fill(cells).strip())), "")
        if not text or self.values is None:
            return text or self.default
        ours = self.values.find(text)
        if ours is not None:
            return ours
        if not self.default:
            raise UnlistedValue(f"“{text[:60]}” is not listed in the mapping's values")
        return self.default


def _templates(kind: str, spec) -> tuple[Template, ...]:
    if kind == "template":
        return tuple(Template.parse(text) for text in ([spec] if isinstance(spec, str) else spec))
    return (Template((("column" if kind == "column" else "text", spec),)),)


def _check_texts(name: str, spec: dict) -> None:
    texts = [spec[key] for key in ("column", "constant", "default") if key in spec]
    template = spec.get("template", [])
    texts += template if isinstance(template, list) else [template]
    values = spec.get("values", {})
    if not isinstance(values, dict):
        raise SourceError(f"the values of {name} must be a table.")
    if not all(isinstance(text, str) for text in [*texts, *values.values()]):
        raise SourceError(f"everything in {name} must be text in quotation marks.")
