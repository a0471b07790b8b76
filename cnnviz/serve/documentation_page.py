"""The page that tells how a server is asked. Swagger's would load its script from the internet; this one has none."""

from __future__ import annotations

from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment

__all__ = ["documentation_page"]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ api.info.title }}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h2 { margin-top: 2.5rem; border-top: 1px solid #8888; padding-top: 1rem; }
  code, pre { font: .875rem/1.5 ui-monospace, monospace; }
  pre { overflow-x: auto; padding: .75rem; border: 1px solid #8888; border-radius: .4rem; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; }
  th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
</style>
<h1>{{ api.info.title }}</h1>
<p>{{ api.info.description }} The same for programs: <a href="openapi.json">openapi.json</a>. Everything that goes wrong
is answered by <code>{"detail": "a sentence"}</code>; a server with a token wants the header
<code>Authorization: Bearer TOKEN</code>.</p>
{% for path, methods in api.paths.items() %}{% for method, told in methods.items() %}
<h2><code>{{ method.upper() }} {{ path }}</code> {{ told.summary }}</h2>
<p>{{ told.description }}</p>
<pre tabindex="0">curl {% if method == "post" %}--data-binary @photo.jpg {% endif %}\
{% if path == "/heatmap" %}-o map.png {% endif %}http://localhost:8000{{ path }}</pre>
{% if told.parameters %}
<div class="wide" tabindex="0"><table>
<tr><th>In the query</th><th>By default</th><th>What it says</th></tr>
{% for one in told.parameters %}
<tr><td><code>{{ one.name }}</code></td><td><code>{{ one.schema.default }}</code></td>
<td>{{ one.description }}</td></tr>
{% endfor %}
</table></div>
{% endif %}
{% set schema = told.responses["200"].content.get("application/json", {}).get("schema", {}) %}
<p>Answers with
{% if "$ref" in schema %}<a href="#{{ schema["$ref"].split("/")[-1] }}">{{ schema["$ref"].split("/")[-1] }}</a>.
{% elif "image/png" in told.responses["200"].content %}a PNG.{% else %}an object.{% endif %}</p>
{% endfor %}{% endfor %}
{% for name, shape in api.components.schemas.items() if shape.properties %}
<h2 id="{{ name }}">{{ name }}</h2>
<p>{{ shape.description }}</p>
<div class="wide" tabindex="0"><table>
<tr><th>Field</th><th>Type</th><th>What it says</th></tr>
{% for field, told in shape.properties.items() %}
<tr><td><code>{{ field }}</code></td><td>{{ type_of(told) }}</td><td>{{ told.description }}</td></tr>
{% endfor %}
</table></div>
{% endfor %}
</html>
"""


def documentation_page(api: dict[str, Any]) -> HTMLResponse:
    """Returns a page of what OpenAPI says of an application, which loads nothing from anywhere."""
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(template.render(api=api, type_of=_type), headers={"Content-Security-Policy": policy})


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
