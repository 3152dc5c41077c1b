"""A prefix route that refuses is not passed by another spelling of the path: what the backend gets is what was routed."""

import pytest

DENY = {"match": {"path_prefix": "/admin"}, "respond": {"status": 403}}


@pytest.mark.parametrize("target", ["/admin", "//admin", "/admin;a", "/admin;a/x", "/%61dmin", "/x/..//admin/y", "/admin%3b"])
def test_spellings_of_the_prefix_are_refused(proxy, target):
    running, origin = proxy(listener={"routes": [DENY]})
    with running.connect() as connection:
        assert connection.request(target=target).status == 403
    assert origin.requests == []


def test_encoded_slashes_are_400_and_may_be_decoded_or_kept(proxy):
    for rule, status, seen in [("refuse", 400, []), ("decode", 403, []), ("keep", 200, ["/admin%2Fx"])]:
        running, origin = proxy(listener={"routes": [DENY], "paths": {"encoded_slash": rule}})
        with running.connect() as connection:
            assert connection.request(target="/admin%2fx").status == status
        assert [request.target for request in origin.requests] == seen
