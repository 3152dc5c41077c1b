"""weir check warns of routes that take nothing, pools that nothing uses and weights without effect, and exits with 0."""

import subprocess

from weir import BINARY

TEXT = """
listeners:
  - name: web
    address: 127.0.0.1:8080
    routes:
      - {name: first, match: {path_prefix: /a}, pool: site}
      - {name: second, match: {path_prefix: /a/}, respond: 403}
pools:
  - {name: site, algorithm: round_robin, backends: [{address: "127.0.0.1:1", weight: 3}, "127.0.0.1:2"]}
  - {name: spare}
"""


def test_warnings_name_their_place(tmp_path):
    path = tmp_path / "weir.yaml"
    path.write_text(TEXT)
    done = subprocess.run([BINARY, "check", "--config", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert f"{path}:7:9: listeners[0].routes[1]: warning: route 'second' takes no request" in done.stderr
    assert f"{path}:9:5: pools[0].algorithm: warning: round_robin ignores the weights" in done.stderr
    assert f"{path}:10:5: pools[1]: warning: no listener and no route uses the pool 'spare'" in done.stderr


def test_relative_paths_are_relative_to_the_file(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "secret").write_text("0123456789abcdef0123456789abcdef")
    (folder / "weir.yaml").write_text("sticky_secret: {file: secret}\n")
    for config, cwd in (("etc/weir.yaml", tmp_path), ("weir.yaml", folder), (str(folder / "weir.yaml"), "/")):
        done = subprocess.run([BINARY, "check", "--config", config], cwd=cwd, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
