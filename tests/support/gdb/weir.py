"""What gdb shows of Weir: values by their meaning, and the coroutines behind what it knows.

`./dev gdb` loads this; `gdb -x tests/support/gdb/weir.py -p PID` does as well. It needs types: the preset debug has them.

    weir bt                 who awaits the coroutine of the selected frame
    weir tasks GROUP        every task of a net::TaskGroup: its coroutines from the leaf up, and where each is suspended
    weir locals ADDRESS     arguments and variables of a suspended coroutine, by the address that the other two print
"""

import pathlib
import re

import gdb
import gdb.printing
import gdb.types

ROOT = pathlib.Path(__file__).resolve().parents[3]
MOST_AWAITING = 100  # coroutines in one chain; more would be a loop


def pointer_at(address):
    return int(gdb.Value(address).cast(gdb.lookup_type("void").pointer().pointer()).dereference())


class Coroutine:
    """A suspended coroutine by the address of its frame: clang begins it with the functions that resume and destroy it,
    and behind them has the promise."""

    def __init__(self, address):
        self.address = address
        self.resume = pointer_at(address)
        self.code = self.resume or pointer_at(address + 8)

    def name(self):
        """As it is declared: without the compiler's name for the part that resumes."""
        symbol = gdb.execute(f"info symbol {self.code}", to_string=True).partition(" in section ")[0]
        return re.sub(r" \[clone [^]]*\]$", "", symbol.strip())

    def frame(self):
        """The frame as its own type, or None without debug information."""
        try:
            block = gdb.block_for_pc(self.code)
        except RuntimeError:
            return None
        for symbol in block or ():
            if symbol.name == "__coro_frame":
                return gdb.Value(self.address).cast(symbol.type.pointer()).dereference()
        return None

    def awaiting(self):
        """The coroutine that awaits this one, or None for the root of a chain."""
        promise = gdb.Value(self.address + 16).cast(gdb.lookup_type("weir::net::PromiseCore").pointer())
        address = int(promise.dereference()["continuation_"]["_M_fr_ptr"])
        return Coroutine(address) if address else None

    def chain(self):
        one, count = self, 0
        while one is not None and count < MOST_AWAITING:
            yield one
            one, count = one.awaiting(), count + 1

    def place(self):
        """Where it is suspended, as text."""
        if self.resume == 0:
            return "finished"
        line = gdb.find_pc_line(self.code)
        if line.symtab is None:
            return "suspended"
        begin = f"{line.symtab.filename}:{line.line}"
        frame = self.frame()
        if frame is None:
            return f"suspended in the function at {begin}"
        index = int(frame["__coro_index"])
        if index == 0:
            return f"not started, {begin}"
        return suspended_at(line.symtab, line.line, index) or f"suspended at co_await {index} of {begin}"

    def text(self):
        return f"{self.name()} [{self.address:#x}] {self.place()}"


def suspended_at(symtab, first_line, index):
    """The `index`-th co_await of the function that begins there: clang counts them in the order of the text. None when
    the source is not at hand."""
    for path in (ROOT / symtab.filename, pathlib.Path(symtab.fullname())):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for number, text in enumerate(lines[first_line - 1 :], first_line):
            index -= len(re.findall(r"\bco_await\b|\bco_yield\b", text.partition("//")[0]))
            if index <= 0:
                return f"at {symtab.filename}:{number}: {text.strip()}"
        return None
    return None


def leaf_of(wait):
    """The coroutine that a suspended leaf operation (a net::Wait*) resumes, or None."""
    operation = wait.cast(wait.dynamic_type).dereference()
    try:
        address = int(operation["handle_"]["_M_fr_ptr"])
    except gdb.error:
        return None
    return Coroutine(address) if address else None


def entries_of(group):
    entry = gdb.lookup_type("weir::net::TaskGroup::Entry").pointer()
    ring = group["ring_"]
    link = ring["next"]
    while int(link) != int(ring.address):
        yield link.cast(entry).dereference()
        link = link["next"]


def tasks_of(group):
    """For each task what it waits for, and its coroutines from the leaf up; none where that cannot be told."""
    for entry in entries_of(group):
        wait = entry["waiting_"]
        if int(wait) == 0:
            yield "ready to run, or running", []
            continue
        leaf = leaf_of(wait)
        what = str(wait.dynamic_type.target().strip_typedefs())
        yield f"waits for {what}", [] if leaf is None else list(leaf.chain())


# ---- printers ----------------------------------------------------------------------------------------------------


class TaskPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        address = int(self.value["handle_"]["_M_fr_ptr"])
        return f"Task of {Coroutine(address).text()}" if address else "Task: handed over, or never made"


class TaskGroupPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        cancelled = ", cancelled" if self.value["cancelled_"] else ""
        return f"TaskGroup of {int(self.value['size_'])}{cancelled}"

    def children(self):
        for number, (what, chain) in enumerate(tasks_of(self.value)):
            yield f"[{number}]", f"{what}; " + " <- ".join(one.name() for one in chain)


class ErrorPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        code, side = (str(self.value[name]).rpartition("::")[2] for name in ("code", "side"))
        number = int(self.value["os_error"])
        what = self.value["what"].string() if int(self.value["what"]) else ""
        return f"{what}: {code} ({side})" + (f", errno {number}" if number else "")


class ResultPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not self.value["_M_has_value"]:
            return f"error: {self.value['_M_unex']}"
        is_void = self.value.type.strip_typedefs().template_argument(0).code == gdb.TYPE_CODE_VOID
        return "done" if is_void else f"value: {self.value['_M_val']}"


class IntrusiveListPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return f"IntrusiveList of {int(self.value['size_'])}"

    def children(self):
        element = self.value.type.strip_typedefs().template_argument(0)
        ring = self.value["ring_"]
        hook = gdb.types.get_basic_type(ring.type).fields()[0].type
        base = ring.cast(hook)
        node, number = base["next_"], 0
        while int(node) != int(ring.address) and int(node) != 0:
            yield f"[{number}]", node.cast(element.pointer())
            node, number = node["next_"], number + 1


class BufferPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        capacity = int(self.value["capacity_"])
        return f"Buffer of {capacity} bytes at {int(self.value['data_']):#x}" if capacity else "Buffer without memory"


class ArenaPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        blocks = self.value["blocks_"]["_M_impl"]
        count = int(blocks["_M_finish"] - blocks["_M_start"])
        block, left = int(self.value["block_bytes_"]), int(self.value["left_"])
        return f"Arena of {count} blocks of {block} bytes or more, {left} left in the last"


def printers():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("weir")
    for name, pattern, printer in (
        ("Task", r"^weir::net::Task<.*>$", TaskPrinter),
        ("TaskGroup", r"^weir::net::TaskGroup$", TaskGroupPrinter),
        ("Error", r"^weir::base::Error$", ErrorPrinter),
        ("Result", r"^std::expected<.*, weir::base::Error>$", ResultPrinter),
        ("IntrusiveList", r"^weir::base::IntrusiveList<.*>$", IntrusiveListPrinter),
        ("Buffer", r"^weir::base::Buffer$", BufferPrinter),
        ("Arena", r"^weir::base::Arena$", ArenaPrinter),
    ):
        collection.add_printer(name, pattern, printer)
    return collection


# ---- commands ----------------------------------------------------------------------------------------------------


def write_chain(chain):
    for number, one in enumerate(chain):
        gdb.write(f"  #{number} {one.text()}\n")


class Weir(gdb.Command):
    """Coroutines of Weir: weir bt, weir tasks GROUP, weir locals ADDRESS."""

    def __init__(self):
        super().__init__("weir", gdb.COMMAND_STACK, prefix=True)


class Backtrace(gdb.Command):
    """Who awaits the coroutine of the selected frame, up to the root of its chain."""

    def __init__(self):
        super().__init__("weir bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        frame = gdb.selected_frame()
        try:
            promise = frame.read_var("__promise").address
        except ValueError:
            raise gdb.GdbError("the selected frame is no coroutine (or has no debug information)") from None
        here = Coroutine(int(promise) - 16)
        line = frame.find_sal()
        gdb.write(f"  #0 {here.name()} [{here.address:#x}] running at {line.symtab.filename}:{line.line}\n")
        for number, one in enumerate(here.chain()):
            if number > 0:
                gdb.write(f"  #{number} {one.text()}\n")


class Tasks(gdb.Command):
    """weir tasks GROUP: every task of a net::TaskGroup, its coroutines from the leaf up."""

    def __init__(self):
        super().__init__("weir tasks", gdb.COMMAND_STACK, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("weir tasks GROUP: which net::TaskGroup?")
        for number, (what, chain) in enumerate(tasks_of(gdb.parse_and_eval(argument))):
            gdb.write(f"task {number} {what}\n")
            write_chain(chain)


class Locals(gdb.Command):
    """weir locals ADDRESS: arguments and variables of the suspended coroutine with this frame."""

    def __init__(self):
        super().__init__("weir locals", gdb.COMMAND_STACK, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        one = Coroutine(int(gdb.parse_and_eval(argument)))
        frame = one.frame()
        if frame is None:
            raise gdb.GdbError(f"{one.name()} has no debug information: build the preset debug")
        # The compiler's own temporaries have made-up names that end in a number of their place in the frame.
        made_up = re.compile(r"^(__|class_|struct_|PointerType_|.*_\d+$)")
        for field in frame.type.fields():
            if not made_up.match(field.name):
                gdb.write(f"{field.name} = {frame[field]}\n")


gdb.printing.register_pretty_printer(None, printers(), replace=True)
Weir()
Backtrace()
Tasks()
Locals()
