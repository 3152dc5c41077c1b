"""Whether GET /openapi.json describes what the admin API takes and answers: every body that a scenario sends and Weir
accepts is held against it, and every answer."""

import functools
import json
import re

import jsonschema

documents = {}  # by binary


def document_of(weir):
    """The description, or None where it cannot be had (tokens)."""
    if weir.binary not in documents:
        answer = weir.admin("GET", "/openapi.json")
        if answer.status != 200:
            return None
        documents[weir.binary] = answer.text
    return documents[weir.binary]


def find(described, method, path):
    """The template of the path and its operation, or (None, None)."""
    for template, operations in described["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in operations:
            return template, operations[method.lower()]
    return None, None


@functools.cache
def validator(document, method, path):
    """For the bodies of the call, or None when it takes none."""
    described = json.loads(document)
    template, operation = find(described, method, path)
    assert operation, f"{method} {path} is not described"
    assert "requestBody" in operation, f"{method} {template} took a body that is not described"
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": described["components"]})


@functools.cache
def answer_validator(document, method, path, status, media_type):
    described = json.loads(document)
    template, operation = find(described, method, path)
    if operation is None:
        return None
    answer = operation["responses"].get(str(status))
    assert answer, f"{method} {template} answered {status}, which is not described"
    if "$ref" in answer:
        answer = described["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = answer.get("content", {})
    assert media_type in content, f"{method} {template} answered {status} as {media_type}, which is not described"
    schema = content[media_type]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": described["components"]})


held = {}  # how many answers of each kind were held against their description


def check_answer(weir, method, path, status, content_type, text):
    """The first few of each kind; the rest would only take time."""
    media_type = content_type.partition(";")[0]
    if weir.binary not in documents or not media_type.endswith("json"):
        return
    path = path.partition("?")[0]
    kind = (method, re.sub(r"/[^/]+", "/x", path), path.split("/")[1], status)
    held[kind] = held.get(kind, 0) + 1
    if held[kind] > 5:
        return
    against = answer_validator(documents[weir.binary], method, path, status, media_type)
    if against is None:
        return
    faults = list(against.iter_errors(json.loads(text)))
    assert not faults, f"{method} {path} answered {text}, which is not as described: {faults[0].message}"


def check(weir, method, path, body):
    document = document_of(weir)
    if document is None:
        return
    faults = list(validator(document, method, path.partition("?")[0]).iter_errors(body))
    assert not faults, f"{method} {path} took {body}, but its description does not: {faults[0].message}"
