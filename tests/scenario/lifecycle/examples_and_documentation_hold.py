"""Every example is a good configuration, the published schema is the one that Weir prints, and docs/configuration.md
and docs/filters.md name every key of every table with its options."""

import configparser
import json
import re
import subprocess

import jsonschema
import pytest
import yaml
from certificates import Authority
from weir import BINARY, ROOT

EXAMPLES = [*sorted((ROOT / "examples").glob("*.yaml")), ROOT / "packaging/weir.yaml"]


def weir(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def schema():
    done = weir("schema")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def with_certificates(text, folder):
    """The example with files that exist in place of those it names."""
    named = set(re.findall(r"/etc/weir/certs/([\w.-]+)", text))
    if not named:
        return text
    authority = Authority(folder)
    for stem in {name.rpartition(".")[0] for name in named if name.endswith(".key")}:
        pair = authority.issue(f"{stem}.example")
        pair.cert.rename(folder / f"{stem}.pem")
        pair.key.rename(folder / f"{stem}.key")
    for name in named:
        if name.endswith(".crl"):
            authority.revocations().rename(folder / name)
        elif not (folder / name).exists():
            (folder / name).write_bytes(authority.cert.read_bytes())
    return text.replace("/etc/weir/certs", str(folder))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_good_configuration(example, schema, tmp_path, monkeypatch):
    monkeypatch.chdir(example.parent)
    checked = tmp_path / example.name
    checked.write_text(with_certificates(example.read_text(), tmp_path))
    for users in example.parent.glob("*.htpasswd"):
        (tmp_path / users.name).write_bytes(users.read_bytes())
    done = weir("check", "--config", str(checked))
    assert done.returncode == 0, done.stdout + done.stderr
    jsonschema.validate(yaml.safe_load(example.read_text()), schema)


def test_the_unit_starts_weir_again_for_as_long_as_it_takes():
    unit = configparser.RawConfigParser(strict=False)
    unit.read(ROOT / "packaging/systemd/weir.service")
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert (unit["Service"]["Restart"], unit["Service"]["RestartPreventExitStatus"]) == ("on-failure", "1")


def test_the_published_schema_is_the_one_of_this_build(schema):
    published = json.loads((ROOT / "docs/weir.schema.json").read_text())
    assert published == schema, "weir schema > docs/weir.schema.json"


def documented():
    """The keys of each table of the documentation, and the options of each kind."""
    tables, options, kind = {}, {}, None
    text = "".join((ROOT / "docs" / name).read_text() for name in ("configuration.md", "filters.md"))
    for line in text.splitlines():
        if line.startswith("## "):
            section, kind = line[3:], None
        elif key := re.match(r"\| `([^`]+)` \|", line):
            tables.setdefault(section, set()).add(key[1])
        elif name := re.match(r"- `([^`]+)`:", line):
            kind = name[1]
            options.setdefault(kind, set())
        elif (option := re.match(r"  - `([^`]+)`:", line)) and kind:
            options[kind].add(option[1])
    return tables, options


def objects(node):
    """Every group of alternative objects in a schema: a resource, or a resource for each `type` that it can have."""
    if isinstance(node, list):
        for inner in node:
            yield from objects(inner)
    if not isinstance(node, dict):
        return
    group = [one for one in node.get("anyOf", [node]) if isinstance(one, dict) and one.get("properties")]
    if group:
        yield group
    for name, inner in node.items():
        if name == "anyOf":
            inner = [list(one.get("properties", {}).values()) for one in inner]
        yield from objects(inner)


def test_the_documentation_names_every_key(schema):
    tables, options = documented()
    missing = set()
    for name, definition in schema["$defs"].items():
        for group in objects(definition):
            keys = [set(one["properties"]) for one in group]
            common = set.intersection(*keys) - {"type"}
            nearest = min(tables.values(), key=lambda table: len(common - table))
            missing |= {f"{name}: {key}" for key in common - nearest}
            for one in group:
                kind = one["properties"].get("type", {}).get("const")
                if kind is None:
                    continue
                own = set(one["properties"]) - common - {"type"}
                missing |= {f"{name}: {kind}: {key}" for key in own - options.get(kind, set())}
                if kind not in options:
                    missing.add(f"{name}: type {kind}")
    assert missing == set(), "docs/configuration.md and docs/filters.md do not say"
