"""Identifiers that belong to some folders only."""

import re

# Of a library that one folder wraps: who sees them elsewhere depends on the library's rules of use.
WRAPPED = {"SSL_": "tls", "nghttp2_": "http2"}
WRAPPED_USE = re.compile(r"\b(SSL_|nghttp2_)\w+")

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
