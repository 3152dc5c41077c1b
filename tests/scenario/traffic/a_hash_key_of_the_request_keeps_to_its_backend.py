"""Hashing algorithms may take their key from a header, cookie or query parameter instead of the client's address."""

import pytest
from client import get
from weir import config_of, pool_of

KEYS = [
    ("header:X-User", lambda user: ("/", [("X-User", user)])),
    ("cookie:user", lambda user: ("/", [("Cookie", f"other=1; user={user}")])),
    ("query:user", lambda user: (f"/?a=b&user={user}", [])),
    ("path", lambda user: (f"/files/{user}", [])),
]


@pytest.mark.parametrize("algorithm", ["consistent_hash", "maglev"])
@pytest.mark.parametrize("key, request_of", KEYS, ids=[key for key, _ in KEYS])
def test_each_key_has_one_backend_and_keys_are_spread(weir, origins, algorithm, key, request_of):
    choice = {"type": algorithm, "hash_key": key}
    running = weir(config_of(pool_of(origins("a", "b", "c", "d"), algorithm=choice)))
    running.wait_for_state("healthy", "a", "b", "c", "d")
    homes = {}
    for _ in range(3):
        for user in range(40):
            backend = get(running.port, *request_of(f"user-{user}")).backend
            assert homes.setdefault(user, backend) == backend
    assert set(homes.values()) == {"a", "b", "c", "d"}
