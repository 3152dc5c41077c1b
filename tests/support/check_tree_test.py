"""The checker of the tree finds each kind of breach and is content with a tree that has none."""

import pytest
from check_tree import check


@pytest.fixture
def tree(tmp_path):
    """A small tree without faults; `tree(path, text)` adds or replaces a file."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return tmp_path

    write("src/floors.txt", "# comment\nbase:\nnet: base\napp: base net\n")
    write("src/base/ip.h", "#pragma once\nclass Address {};\n")
    write("src/net/socket.cc", '#include "net/socket.h"\n\n#include <vector>\n\n#include "base/ip.h"\n')
    write("src/net/socket.h", '#include "base/ip.h"\n')
    write("tests/unit/net/socket_test.cc", '#include "app/whatever.h"\n')
    return write


def faults(root):
    return [fault.replace(str(root) + "/", "") for fault in check(root)]


def test_a_tree_that_keeps_the_rules_has_no_faults(tree):
    assert faults(tree("src/app/main.cc", '#include "net/socket.h"\n')) == []


def test_an_include_upwards_is_found(tree):
    root = tree("src/base/clock.cc", '#include "base/ip.h"\n\n#include "net/socket.h"\n')
    assert faults(root) == ["src/base/clock.cc:3: base must not include net (floors.txt)"]


def test_an_include_with_spaces_is_found(tree):
    root = tree("src/base/clock.cc", '  # include "net/socket.h"\n')
    assert faults(root) == ["src/base/clock.cc:1: base must not include net (floors.txt)"]


def test_a_source_that_does_not_include_its_own_header_first_is_found(tree):
    root = tree("src/net/socket.cc", '// text\n#include <vector>\n#include "net/socket.h"\n')
    assert faults(root) == [
        'src/net/socket.cc:2: the first include must be "net/socket.h", so that it compiles alone'
    ]


def test_an_include_that_does_not_start_at_src_is_found(tree):
    root = tree("src/net/poll.cc", '#include "socket.h"\n')
    assert faults(root) == ['src/net/poll.cc:1: "socket.h" is no file of src/ (names start at src/)']


def test_a_folder_that_floors_does_not_list_is_found(tree):
    root = tree("src/extra/thing.h", "")
    assert faults(root) == ["src/extra/thing.h:1: the folder extra is not in floors.txt"]


def test_unit_tests_in_a_folder_that_floors_does_not_list_are_found(tree):
    root = tree("tests/unit/extra/thing_test.cc", "")
    fault = "tests/unit/extra/thing_test.cc:1: the folder extra is not in floors.txt, so nothing builds its tests"
    assert faults(root) == [fault]


def test_a_deeper_folder_is_found(tree):
    root = tree("src/net/deep/thing.h", "")
    assert faults(root) == ["src/net/deep/thing.h:1: sources lie in src/<folder>/, one level deep"]


@pytest.mark.parametrize(
    "floors, fault",
    [
        ("base: net\nnet: base\napp:\n", "src/floors.txt:1: base may only name earlier lines, net is none"),
        ("base: base\nnet: base\napp:\n", "src/floors.txt:1: base may only name earlier lines, base is none"),
        ("base:\nnet: base\nnet: base\napp:\n", "src/floors.txt:3: net is listed twice"),
        ("base:\nnet base\nnet: base\napp:\n", "src/floors.txt:2: not a line of the form `folder: folder folder`"),
    ],
)
def test_faults_of_the_floors_themselves_are_found(tree, floors, fault):
    assert fault in faults(tree("src/floors.txt", floors))


@pytest.mark.parametrize("path", ["src/net/long.cc", "src/net/long.h", "tests/support/long.py"])
def test_a_file_of_401_lines_is_found_and_one_of_400_is_not(tree, path):
    assert faults(tree(path, "\n" * 400)) == []
    assert faults(tree(path, "\n" * 401)) == [f"{path}:401: 401 lines, at most 400; split it by concept"]


@pytest.mark.parametrize("name", ["ConnectionManager", "StrategyImpl", "StrategyBase", "StringUtils", "BackendCluster"])
def test_a_type_with_a_banned_word_is_found(tree, name):
    found = faults(tree("src/net/thing.h", f"// text\nclass {name} final {{}};\n"))
    assert len(found) == 1
    assert found[0].startswith(f"src/net/thing.h:2: the type {name} says")


@pytest.mark.parametrize("name", ["Basement", "Implicit", "Utilization", "Base"])
def test_a_word_that_only_begins_like_a_banned_one_is_fine(tree, name):
    assert faults(tree("src/net/thing.h", f"struct {name} {{}};\n")) == []


@pytest.mark.parametrize("name", ["string_util", "pool_impl", "pool_manager", "strategy_base"])
def test_a_file_with_a_banned_word_is_found(tree, name):
    assert len(faults(tree(f"src/net/{name}.h", ""))) == 1


def test_units_that_include_each_other_are_found(tree):
    tree("src/net/a.h", '#include "net/b.h"\n')
    tree("src/net/b.cc", '#include "net/b.h"\n#include "net/c.h"\n')
    tree("src/net/b.h", "")
    root = tree("src/net/c.h", '#include "net/a.h"\n')
    assert faults(root) == [
        "src/net/a.h:1: units include each other: net/a includes net/b, net/b includes net/c, net/c includes net/a"
    ]


def test_a_source_without_a_header_belongs_to_the_unit_whose_class_it_implements(tree):
    tree("src/net/wheel.h", "class Wheel {\n};\n")
    tree("src/net/wheel_turns.cc", '#include "net/user.h"\n#include "net/wheel.h"\nvoid Wheel::turn() {}\n')
    root = tree("src/net/user.h", '#include "net/wheel.h"\n')
    assert len(faults(root)) == 1
    tree("src/net/wheel_turns.cc", '#include "net/user.h"\n#include "net/wheel.h"\nvoid turn() { Wheel::other(); }\n')
    assert faults(root) == []


def test_parts_that_units_txt_lists_are_no_cycle(tree):
    tree("src/net/a.h", "class A {\n};\n")
    tree("src/net/a.cc", '#include "net/a.h"\n#include "net/a_state.h"\n')
    root = tree("src/net/a_state.h", '#include "net/a.h"\n')
    assert len(faults(root)) == 1
    tree("src/units.txt", "# comment\nnet/a: net/a_state  # what A hides\n")
    assert faults(root) == []


@pytest.mark.parametrize(
    "line, fault",
    [
        ("net/socket: base/ip  # why", "src/units.txt:1: base/ip lies in another folder than net/socket"),
        ("net/socket: net/none  # why", "src/units.txt:1: there is no net/none.h or net/none.cc"),
        ("net/socket: net/socket", "src/units.txt:1: not a line of the form `folder/unit: folder/part  # reason`"),
    ],
)
def test_faults_of_the_list_of_units_are_found(tree, line, fault):
    assert faults(tree("src/units.txt", line + "\n")) == [fault]


def test_openssl_and_nghttp2_are_found_outside_their_folders(tree):
    tree("src/net/socket.h", '#include "base/ip.h"\n// SSL_read is not called here\nint x = SSL_read(stream);\n')
    root = tree("src/base/frame.cc", "nghttp2_session* session;\n")
    assert faults(root) == [
        "src/base/frame.cc:1: nghttp2_session is for http2/ only",
        "src/net/socket.h:3: SSL_read is for tls/ only",
    ]


def test_a_look_up_in_the_registry_is_found_on_the_data_path(tree):
    root = tree("src/net/poll.cc", "Poll::Poll()\n    : calls(registry.counter(kCalls)) {}\n\nvoid run() {\n}\n")
    assert faults(root) == []
    look_up = "  services.registry->counter(kCalls, {name}).add(1);\n"
    tree("src/net/poll.cc", f"Poll::Poll() {{}}\n\nvoid Poll::run() {{\n{look_up}}}\n")
    assert faults(root) == ["src/net/poll.cc:4: the registry is asked outside a constructor; keep the counter"]
    tree("src/net/poll.cc", f"void Poll::run() {{\n  worker.counters.calls.find(key, [&] {{\n{look_up}  }});\n}}\n")
    assert faults(root) == []
    tree("src/net/poll.cc", "")
    tree("src/app/run.cc", f"void run() {{\n{look_up}}}\n")
    assert faults(root) == []
