"""Authorities and certificates for tests, made with the openssl command."""

import dataclasses
import pathlib
import subprocess


def openssl(*arguments, **settings):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=60, check=False, **settings)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclasses.dataclass
class Pair:
    """A chain and its key, as files."""

    cert: pathlib.Path
    key: pathlib.Path

    @property
    def files(self):
        return {"cert": str(self.cert), "key": str(self.key)}

    def replace_by(self, other):
        """Puts the other pair in the place of this one, each file at once."""
        for mine, theirs in ((self.key, other.key), (self.cert, other.cert)):
            fresh = mine.with_suffix(".new")
            fresh.write_bytes(theirs.read_bytes())
            fresh.rename(mine)


KINDS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name="Test CA"):
        self.folder = pathlib.Path(folder) / name.replace(" ", "-").lower()
        self.folder.mkdir(parents=True)
        self.cert, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        openssl("req", "-x509", *KINDS["ec"], "-nodes", "-keyout", self.key, "-out", self.cert, "-days", 30,
                "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-addext", "basicConstraints=critical,CA:TRUE")
        (self.folder / "index.txt").touch()
        self.made = 0

    def issue(self, *names, kind="ec", days=20, subject=None, ocsp=None, start=None):
        """A certificate for these names: DNS names, addresses as "IP:...", or "URI:..."."""
        self.made += 1
        stem = self.folder / f"{self.made}"
        cert, key, request = stem.with_suffix(".pem"), stem.with_suffix(".key"), stem.with_suffix(".csr")
        openssl("req", "-new", *KINDS[kind], "-nodes", "-keyout", key, "-out", request,
                "-subj", subject or f"/CN={names[0]}")
        alternatives = ",".join(name if ":" in name else f"DNS:{name}" for name in names)
        lines = [f"subjectAltName={alternatives}"]
        if ocsp:
            lines.append(f"authorityInfoAccess=OCSP;URI:{ocsp}")
        config = stem.with_suffix(".cnf")
        config.write_text(
            "[ca]\ndefault_ca=here\n[here]\n"
            f"database={self.folder}/index.txt\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
            f"certificate={self.cert}\nprivate_key={self.key}\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
            "default_crl_days=10\n"
            "[any]\ncommonName=optional\norganizationName=optional\n[ext]\n" + "\n".join(lines) + "\n")
        when = ["-days", days] if start is None else ["-startdate", start[0], "-enddate", start[1]]
        openssl("ca", "-batch", "-config", config, "-extensions", "ext", "-in", request, "-out", cert, "-notext", *when)
        self.config = config
        return Pair(cert, key)

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-revoke", pair.cert)

    def revocations(self):
        path = self.folder / "crl.pem"
        if not hasattr(self, "config"):
            self.issue("nobody.example")
        openssl("ca", "-config", self.config, "-gencrl", "-out", path)
        return path
