"""The OpenAPI description put so that a page can show it to people."""

from dataclasses import dataclass, field
from typing import Final

from dispatch.api.problems import KINDS

FORMATS: Final = {"date-time": "instant", "date": "date", "time": "time of day"}


@dataclass(frozen=True)
class Value:
    name: str
    kind: str  # “text”, “list of NeedIn”, “whole number or null”
    is_required: bool
    text: str


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[Value]
    body: list[Value]
    answers: list[tuple[int, str]]  # status and shape, without the problems


@dataclass
class Description:
    groups: dict[str, list[Operation]] = field(default_factory=dict)
    shapes: dict[str, list[Value]] = field(default_factory=dict)
    problems: list[tuple[str, int, str]] = field(default_factory=list)


def describe(schema: dict) -> Description:
    shapes = schema["components"]["schemas"]
    found = Description()
    for path, methods in schema["paths"].items():
        for method, details in methods.items():
            found.groups.setdefault(details["tags"][0], []).append(_operation(path, method, details, shapes))
    found.shapes = {name: _values(shape) for name, shape in sorted(shapes.items()) if shape.get("properties")}
    found.problems = [(kind, code, title) for kind, (code, title) in KINDS.items()]
    return found


def _operation(path: str, method: str, details: dict, shapes: dict) -> Operation:
    content = details.get("requestBody", {}).get("content", {}).get("application/json", {})
    text, _, _ = details["description"].rpartition("Scope:")
    parameters = [_value(one["name"], one["schema"], one.get("required", False), one) for one in details["parameters"]]
    return Operation(
        name=details["operationId"],
        method=method.upper(),
        path=path,
        summary=details["summary"],
        text=text.strip(),
        scope=details["security"][0]["BearerToken"][0],
        parameters=parameters,
        body=_values(_resolved(content.get("schema", {}), shapes)),
        answers=[(code, _answer(one)) for code, one in details["responses"].items() if int(code) < 400],
    )


def _answer(response: dict) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    return kind_of(schema) if schema else "nothing"


def _resolved(schema: dict, shapes: dict) -> dict:
    return shapes[_name_of(schema)] if "$ref" in schema else schema


def _values(shape: dict) -> list[Value]:
    required = shape.get("required", [])
    return [_value(name, one, name in required, one) for name, one in shape.get("properties", {}).items()]


def _value(name: str, schema: dict, is_required: bool, described: dict) -> Value:
    return Value(name, kind_of(schema), is_required, described.get("description", ""))


def kind_of(schema: dict) -> str:
    if "$ref" in schema:
        return _name_of(schema)
    if "anyOf" in schema:
        return " or ".join(map(kind_of, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}"
    kinds = {"integer": "whole number", "string": FORMATS.get(schema.get("format"), "text"), "boolean": "true or false"}
    return kinds.get(schema.get("type"), schema.get("type", "anything"))


def _name_of(schema: dict) -> str:
    return schema["$ref"].rpartition("/")[2]
