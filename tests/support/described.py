"""Whether GET /openapi.json describes what the admin API takes: every body that a scenario sends and Weir accepts is
held against it."""

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


@functools.cache
def validator(document, method, path):
    """For the bodies of the call, or None when it takes none."""
    described = json.loads(document)
    for template, operations in described["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in operations:
            body = operations[method.lower()].get("requestBody")
            assert body, f"{method} {template} took a body that is not described"
            schema = body["content"]["application/json"]["schema"]
            return jsonschema.Draft202012Validator({**schema, "components": described["components"]})
    raise AssertionError(f"{method} {path} is not described")


def check(weir, method, path, body):
    document = document_of(weir)
    if document is None:
        return
    faults = list(validator(document, method, path.partition("?")[0]).iter_errors(body))
    assert not faults, f"{method} {path} took {body}, but its description does not: {faults[0].message}"
