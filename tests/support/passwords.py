"""Files of users and the field that a client sends, with hashes as the system's crypt(3) makes them."""

import base64
import ctypes

libcrypt = ctypes.CDLL("libcrypt.so.1")
libcrypt.crypt.restype = libcrypt.crypt_gensalt.restype = ctypes.c_char_p
libcrypt.crypt_gensalt.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]

BCRYPT, YESCRYPT, SHA512 = "$2b$", "$y$", "$6$"
CHEAPEST = {BCRYPT: 4, YESCRYPT: 1, SHA512: 1000}


def hash_of(password, form=BCRYPT, cost=None):
    """With the lowest cost of its kind, unless `cost` says otherwise."""
    settings = libcrypt.crypt_gensalt(form.encode(), cost or CHEAPEST[form], None, 0)
    made = libcrypt.crypt(password.encode(), settings)
    assert made and not made.startswith(b"*"), made
    return made.decode()


def write_users(path, *lines, **users):
    """A file of these users and their passwords, put in place at once; `lines` come first, as they are."""
    fresh = path.with_suffix(".new")
    hashed = [f"{name}:{hash_of(password)}" for name, password in users.items()]
    fresh.write_text("".join(f"{line}\n" for line in [*lines, *hashed]))
    fresh.rename(path)
    return path


def basic(name, password):
    return "Authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
