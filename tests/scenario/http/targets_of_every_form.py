"""Absolute-form targets and OPTIONS * are served; backends get paths in the form that routes compare; what parsers read
in different ways is refused."""

import pytest
from client import refused


def test_the_absolute_form_names_host_and_path(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        assert connection.request(target="http://a.example/x?y=1", headers=[("Host", "a.example")]).status == 200
    assert (origin.requests[0].target, origin.requests[0].get("host")) == ("/x?y=1", "a.example")


def test_options_star(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        assert connection.request("OPTIONS", "*").status == 200
    assert (origin.requests[0].method, origin.requests[0].target) == ("OPTIONS", "*")


def test_a_star_for_other_methods_is_400(proxy):
    running, _ = proxy()
    assert refused(running.port, b"GET * HTTP/1.1\r\nHost: a\r\n\r\n") == 400


def test_a_path_in_its_clean_form_goes_on_as_it_came(proxy):
    running, origin = proxy()
    targets = ["/", "/a/b/", "/%20%3A?x=%20&y=100%//", "/?", "/~a:b@c;d,e!$&'()*+="]
    with running.connect() as connection:
        for target in targets:
            assert connection.request(target=target).status == 200
    assert [request.target for request in origin.requests] == targets


def test_backends_get_the_path_that_routes_compare(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        for target in ["//a//b/", "/%41%3a?x=%41", "/a/./b/../c?", "http://a.example//x"]:
            assert connection.request(target=target, headers=[("Host", "a.example")]).status == 200
    assert [request.target for request in origin.requests] == ["/a/b/", "/A%3A?x=%41", "/a/c?", "/x"]


@pytest.mark.parametrize("target", ["/../x", "/a/../../x", "/%2e%2e/x", "/a%00b", "/a\\b", "/%zz", "/%4", "x", "/a%2Fb",
                                    "/a%5cb", "/a/..;/b"])
def test_what_parsers_take_for_different_places_is_400(proxy, target):
    running, origin = proxy()
    assert refused(running.port, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()) == 400
    assert origin.requests == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND", "X-OWN"])
def test_any_method_goes_on(proxy, method):
    running, origin = proxy()
    with running.connect() as connection:
        assert connection.request(method, body=b"abc").status == 200
    assert (origin.requests[0].method, origin.requests[0].body) == (method, b"abc")
