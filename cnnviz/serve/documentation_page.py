"""The page that tells how a server is asked. Swagger's would load its script from the internet; this one has none."""

from __future__ import annotations

from typing import Any

from fastapi.responses import HTMLResponse

from cnnviz.figures.html import render

__all__ = ["documentation_page"]


def documentation_page(api: dict[str, Any]) -> HTMLResponse:
    """Returns a page of what OpenAPI says of an application, which loads nothing from anywhere."""
    operations = [
        _operation(method, path, told) for path, methods in api["paths"].items() for method, told in methods.items()
    ]
    records = [
        (name, shape.get("description", ""), [_field(*one) for one in shape["properties"].items()])
        for name, shape in api["components"]["schemas"].items()
        if shape.get("properties")
    ]
    info = api["info"]
    page = render(
        "rest_api.html", title=info["title"], description=info["description"], operations=operations, records=records
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _operation(method: str, path: str, told: dict[str, Any]) -> tuple[Any, ...]:
    """What the page says of one address: method, path, summary, what it does, how curl asks it, its parameters, the
    record that it answers with, or else what."""
    parameters = [
        (one["name"], one["schema"].get("default", ""), one.get("description", ""))
        for one in told.get("parameters", [])
    ]
    sent = "--data-binary @photo.jpg " if method == "post" else ""
    to = "-o map.png " if path == "/heatmap" else ""
    content = told["responses"]["200"].get("content", {})
    record = str(content.get("application/json", {}).get("schema", {}).get("$ref", "")).rpartition("/")[2]
    other = "a PNG" if "image/png" in content else "an object"
    curl = f"curl {sent}{to}http://localhost:8000{path}"
    summary, does = told.get("summary", ""), told.get("description", "")
    return method.upper(), path, summary, does, curl, parameters, record, other


def _field(name: str, schema: dict[str, Any]) -> tuple[str, str, str]:
    return name, _type(schema), schema.get("description", "")


def _type(schema: dict[str, Any]) -> str:
    """A field's type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "prefixItems" in schema:
        return f"[{', '.join(map(_type, schema['prefixItems']))}]"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))
