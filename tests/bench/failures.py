#!/usr/bin/python3
"""What failing backends cost clients: each failure under steady load, its errors, how long the backend still got
requests, and the load that retries added. The figures of docs/failures.md; stops by itself."""

import argparse
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "build/release/weir"))
    parser.add_argument("--only", help="parts of the names of runs, separated by commas")
    arguments = parser.parse_args()
    os.environ["WEIR_BINARY"] = arguments.binary

    import failure_runs
    import faults
    from origin import Origin
    from weir import Weir

    def fails_by(behave, **pool):
        return lambda weir, origins: failure_runs.fails_by(behave, weir, origins, **pool)[:2]

    runs = {
        "crash, kept connections": lambda w, o: failure_runs.crashes(w, o),
        "crash, fresh connections": lambda w, o: failure_runs.crashes(w, o, fresh=True),
        "rolling restart with drains": failure_runs.rolling_restart,
        "all down, one back": failure_runs.all_down_and_up,
        **{f"one {fault.__name__}": fails_by(fault) for fault in faults.BEFORE_THE_BODY},
        "one answers 503": fails_by(faults.status(503)),
        "one flip-flops, 3 good and 2 bad": fails_by(faults.flapping(3, 2)),
        "SIGSTOP of one, timeouts.response 500ms":
            lambda w, o: failure_runs.stopped_process(w, o, timeouts={"response": "500ms"}),
    }
    slow = {
        "one 4x slower, weighted_round_robin": {},
        "one 4x slower, p2c": {"algorithm": "p2c"},
        "one 4x slower, least_response_time": {"algorithm": "least_response_time"},
    }
    parts = (arguments.only or "").split(",")
    wanted = [name for name in [*runs, *slow] if any(part.strip() in name for part in parts)]
    if not wanted:
        parser.error(f"no run is called so; there are: {' · '.join([*runs, *slow])}")
    started = []

    def start_origins(*names, **settings):
        made = [Origin(name, **settings).start() for name in names]
        started.extend(made)
        return made

    def one(run, *parts, **settings):
        with tempfile.TemporaryDirectory(prefix="weir-failures-") as folder:
            weirs = []

            def start_weir(config):
                weirs.append(Weir(folder, config, binary=arguments.binary))
                return weirs[-1].start()

            try:
                return run(start_weir, start_origins, *parts, **settings)
            finally:
                for weir in weirs:
                    weir.stop()
                while started:
                    started.pop().stop()

    print(f"{'failure':44}{'requests':>9}{'errors':>8}{'reached':>9}{'last at s':>11}{'tries/request':>15}{'slowest s':>11}")
    for name in wanted:
        if name in runs:
            figures, _ = one(runs[name])
            print(f"{name:44}{figures.requests:>9}{len(figures.errors):>8}{figures.reached:>9}{figures.last_reached:>11.3f}"
                  f"{figures.attempts:>15.3f}{figures.slowest:>11.3f}", flush=True)
        else:
            ratio, _ = one(failure_runs.one_slow, **slow[name])
            print(f"{name:44} p99 {ratio:.2f} times that without the slow one", flush=True)


if __name__ == "__main__":
    main()
