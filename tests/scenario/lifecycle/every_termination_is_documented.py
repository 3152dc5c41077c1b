"""docs/operations.md has the words of src/*/terminations.def, each with its side and its meaning, in the same order."""
import re

from weir import ROOT

SIDES = {"client": "client", "backend": "backend", "ours": "Weir", "none": ""}
ENTRY = re.compile(r'^WEIR_TERMINATION\((\w+), (\w+), \w+, "(.*)"\)$', re.MULTILINE)


def test_the_table_of_terminations_is_that_of_the_list():
    [source] = ROOT.glob("src/*/terminations.def")
    entries = ENTRY.findall(source.read_text())
    assert len(entries) == sum(line.startswith("WEIR_TERMINATION(") for line in source.read_text().splitlines())
    rows = [f"| `{word}` | {SIDES[side]} | {meaning} |" for word, side, meaning in entries]
    table = "\n".join(["| termination | side | meaning |", "|---|---|---|", *rows])
    assert table in (ROOT / "docs/operations.md").read_text(), f"docs/operations.md must have:\n{table}"
