"""The calls of the API, from its own OpenAPI description."""

import re
from collections.abc import Iterator
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from docs.generated.chinese import translated
from docs.generated.language import Language, pick
from docs.generated.markdown import code, table

Document = dict[str, Any]
METHODS = ("get", "post", "put", "delete")


def openapi() -> Document:
    """The description that `/api/v1/schema` serves."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: Document = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


def calls(language: Language) -> str:
    """A section for each call: what it takes and what it answers."""
    document = openapi()
    return "\n".join(_call(path, method, call, language) for path, method, call in _calls(document))


def bodies(language: Language) -> str:
    """A table for each body that a call takes or answers."""
    schemas: Document = openapi()["components"]["schemas"]
    return "\n".join(_body(name, schema, language) for name, schema in sorted(schemas.items()))


def _calls(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods and "operationId" in methods[method]:
                yield path, method.upper(), methods[method]


def _call(path: str, method: str, call: Document, language: Language) -> str:
    lines = [
        f"## {code(f'{method} {path}')}",
        "",
        translated(" ".join(call["description"].split()), language),
        "",
    ]
    if parameters := call.get("parameters"):
        heads = pick(language, "parameter|in|needed|meaning", "参数|位置|必填|含义").split("|")
        lines.append(table(heads, (_parameter(it, language) for it in parameters)))
    if "requestBody" in call:
        name = _reference(next(iter(call["requestBody"]["content"].values()))["schema"])
        lines += [pick(language, "Body", "请求体") + f": {_link(name)}", ""]
    heads = pick(language, "status|answer", "状态码|应答").split("|")
    lines.append(table(heads, (_answer(*it) for it in call["responses"].items())))
    return "\n".join(lines) + "\n"


def _parameter(it: Document, language: Language) -> tuple[str, str, str, str]:
    needed = pick(language, "yes", "是") if it.get("required") else pick(language, "no", "否")
    return code(it["name"]), it["in"], needed, translated(it.get("description", ""), language)


def _answer(status: str, answer: Document) -> tuple[str, str]:
    kinds = [
        f"`{media}`: {_link(_reference(content['schema']))}"
        + ("[]" if content["schema"].get("type") == "array" else "")
        for media, content in answer.get("content", {}).items()
    ]
    return status, ", ".join(kinds)


def _body(name: str, schema: Document, language: Language) -> str:
    lines = [f"({name.lower()})=", f"## {name}", ""]
    if "enum" in schema:
        return "\n".join([*lines, ", ".join(code(str(value)) for value in schema["enum"]), ""])
    lines += [translated(" ".join(schema.get("description", "").split()), language), ""]
    required = schema.get("required", ())
    heads = pick(language, "field|type|needed|meaning", "字段|类型|必填|含义").split("|")
    yes, no = pick(language, "yes|no", "是|否").split("|")
    lines.append(
        table(
            heads,
            (
                (
                    code(field),
                    _type(kind),
                    yes if field in required else no,
                    translated(_meaning(kind), language),
                )
                for field, kind in schema["properties"].items()
            ),
        )
    )
    return "\n".join(lines) + "\n"


def _type(kind: Document) -> str:
    if name := _reference(kind):
        return _link(name) + ("[]" if kind.get("type") == "array" else "")
    named = kind.get("type", "")
    text = " / ".join(named) if isinstance(named, list) else str(named)
    if kind.get("format"):
        text += f" ({kind['format']})"
    if "maxLength" in kind:
        text += f" ≤ {kind['maxLength']}"
    if "minimum" in kind and "maximum" in kind:
        text += f" {kind['minimum']} … {kind['maximum']}"
    return text


def _meaning(kind: Document) -> str:
    """The field's own words, without the list of choices that is put after them."""
    description: str = kind.get("description", "")
    return description.partition("\n\n* `")[0]


def _reference(schema: Document) -> str:
    """The name of the body that a schema refers to, however it does so; empty if it doesn't."""
    found = re.search(r"#/components/schemas/(\w+)", str(schema))
    return found[1] if found else ""


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})" if name else ""
