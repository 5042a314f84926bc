"""The OpenAPI description: what ninja finds, and what all operations have in common."""

from collections.abc import Iterator
from typing import Final

from ninja import NinjaAPI
from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation
from ninja.schema import NinjaGenerateJsonSchema

from dispatch.api.problems import CONTENT_TYPE, KINDS, ProblemOut

ALWAYS: Final = (400, 401, 403, 404, 413, 415, 422, 429, 500)
WRITING: Final = (409, 412)
REFERENCE: Final = {"$ref": "#/components/schemas/ProblemOut"}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag that you read. If it has changed since, the answer is 412.",
}
IF_NONE_MATCH: Final = {
    **IF_MATCH,
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag that you have. If nothing has changed since, the answer is 304 without a body.",
}
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$", "minLength": 1, "maxLength": 255},
    "description": "Any text of your own, new for each thing to do: sent again within 24 hours, it is not done twice.",
}


class TruckrollAPI(NinjaAPI):
    _complete: OpenAPISchema | None = None

    def get_openapi_schema(self, **more) -> OpenAPISchema:
        if self._complete is None:
            self._complete = self._completed(super().get_openapi_schema(**more))
        return self._complete

    def _completed(self, schema: OpenAPISchema) -> OpenAPISchema:
        problem = ProblemOut.model_json_schema(
            ref_template=REF_TEMPLATE, schema_generator=NinjaGenerateJsonSchema, mode="serialization"
        )
        schema["components"]["schemas"] |= {**problem.pop("$defs"), "ProblemOut": problem}
        operations = {self.get_openapi_operation_id(operation): operation for operation in self.operations()}
        for methods in schema["paths"].values():
            for method, details in methods.items():
                _describe(details, method, operations[details["operationId"]])
        return schema

    def operations(self) -> Iterator[Operation]:
        for router in self._get_bound_routers():
            for view in router.path_operations.values():
                yield from view.operations

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


def _describe(details: dict, method: str, operation: Operation) -> None:
    scopes = [callback.scope for callback in operation.auth_callbacks]
    details["security"] = [{"BearerToken": scopes}]
    details["summary"] = details["summary"].capitalize()
    details["description"] = "\n\n".join(
        filter(None, [details.get("description", "").strip(), f"Scope: `{scopes[0]}`."])
    )
    is_writing = method != "get"
    if method == "post":
        details["parameters"].append(IDEMPOTENCY_KEY)
    if (is_writing and "job_id" in operation.path) or method == "patch":
        details["parameters"].append({**IF_MATCH, "required": method == "patch"})
    if 304 in operation.response_models:
        details["parameters"].append(IF_NONE_MATCH)
    codes = [*ALWAYS, *(WRITING if is_writing else ()), *((428,) if method == "patch" else ())]
    for code in sorted(codes):
        titles = [title for status, title in KINDS.values() if status == code]
        details["responses"][code] = {
            "description": "; ".join(titles),
            "content": {CONTENT_TYPE: {"schema": REFERENCE}},
        }
