"""docs/failures.md has the words of src/pool/ejection_reasons.def, each with its meaning, in the same order."""
import re

from weir import ROOT

ENTRY = re.compile(r'^WEIR_EJECTION_REASON\((\w+), "(.*)"\)$', re.MULTILINE)


def test_the_table_of_reasons_is_that_of_the_list():
    source = (ROOT / "src/pool/ejection_reasons.def").read_text()
    entries = ENTRY.findall(source)
    assert len(entries) == sum(line.startswith("WEIR_EJECTION_REASON(") for line in source.splitlines())
    table = "\n".join(["| reason | meaning |", "|---|---|", *(f"| `{word}` | {meaning} |" for word, meaning in entries)])
    assert table in (ROOT / "docs/failures.md").read_text(), f"docs/failures.md must have:\n{table}"
