"""Identifiers that belong to some folders, or to some functions, only."""

import re

# Of a library that one folder wraps: who sees them elsewhere depends on the library's rules of use.
WRAPPED = {"SSL_": "tls", "nghttp2_": "http2"}
WRAPPED_USE = re.compile(r"\b(SSL_|nghttp2_)\w+")

# Folders whose code runs for connections and requests. The others run on the control and health threads.
DATA_PATH = {"net", "tls", "http", "http2", "pool", "balance", "persist", "limit", "route", "upstream", "worker",
             "relay", "filter", "exchange", "front"}  # fmt: skip
LOOK_UP = re.compile(r"\bregistry(?:_|\(\))?\s*(?:->|\.)\s*(?:counter|gauge|histogram)\(")
DEFINITION = re.compile(r"^[^\s#/}].*\(", re.M)
CONSTRUCTOR = re.compile(r"^(?:\w+::)*(\w+)::\1\(")
CACHED = re.compile(r"\bcounters\s*\.\s*\w+\s*\.find\(")
MAKER_LINES = 8  # so far behind find() its function that makes a counter may stand


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def check_wrapped_libraries(src):
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".cc", ".h"):
            continue
        for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
            for match in WRAPPED_USE.finditer(line):
                folder = WRAPPED[match[1]]
                if path.parent.name != folder:
                    yield f"{path}:{number}: {match[0]} is for {folder}/ only"


def check_registry(src):
    """The registry takes a mutex and allocates labels: on the data path it is asked in constructors, and by the function
    that RequestCounters::find() calls for a key it has not met."""
    for path in sorted(src.rglob("*.cc")):
        if path.parent.name not in DATA_PATH:
            continue
        text = without_comments(path.read_text())
        lines = text.splitlines()
        for match in LOOK_UP.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            definitions = [d[0] for d in DEFINITION.finditer(text, 0, match.end())]
            if definitions and CONSTRUCTOR.match(definitions[-1]):
                continue
            if CACHED.search("\n".join(lines[max(0, number - MAKER_LINES) : number])):
                continue
            yield f"{path}:{number}: the registry is asked outside a constructor; keep the counter"
