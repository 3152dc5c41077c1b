# The parts of `./dev test`; part of dev, which reads it and has the functions it calls.
# shellcheck shell=bash disable=SC2154
# Every part leaves its results in build/results as JUnit XML; tests/support/tally.py sums them in the last line.

readonly RESULTS=$PWD/build/results
# Units in which threads meet; the rest has nothing for ThreadSanitizer to see.
readonly THREADED='^(unit_(base|metrics|net|pool|balance|health|upstream|access_log|worker|relay|proxy|front|store|control|api)|contract_.*)$'

sanitizer_options() {
  export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
  export UBSAN_OPTIONS=print_stacktrace=1
  export TSAN_OPTIONS=second_deadlock_stack=1
  local symbolizer=/usr/bin/llvm-symbolizer-19
  export ASAN_SYMBOLIZER_PATH=$symbolizer UBSAN_SYMBOLIZER_PATH=$symbolizer TSAN_SYMBOLIZER_PATH=$symbolizer
}

# run_units PRESET [ctest arguments]
run_units() {
  local preset=$1 out=$RESULTS/units-$1
  shift
  say "unit and contract tests, $preset"
  rm -rf "$out" && mkdir -p "$out/cases"
  sanitizer_options
  GTEST_OUTPUT="xml:$out/cases/" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j"$(nproc)" \
    --output-junit "$out/ctest.xml" "$@" >&2 || true
}

# run_scenarios PRESET [pytest arguments]. Those marked `alone` measure memory or time: they run one by one afterwards.
run_scenarios() {
  local preset=$1 status=0
  shift
  say "scenario tests, $preset"
  sanitizer_options
  export WEIR_BINARY=$PWD/build/$preset/weir WEIR_PRESET=$preset
  if [[ $# -gt 0 ]]; then
    scenarios "scenario-$preset" "$@" || status=$?
    return $status
  fi
  local chosen=""
  [[ $preset == tsan ]] && chosen="multiworker and"
  [[ $preset == asan ]] && chosen="not slow_with_sanitizer and"
  local list=$PWD/build/repeat-$preset
  rm -f "$list"
  WEIR_REPEAT_LIST=$list scenarios "scenario-$preset" -n "$(nproc)" -m "$chosen not alone" || status=$?
  if [[ -f $list ]]; then
    local failed
    mapfile -t failed <"$list"
    say "once more, each alone: ${failed[*]}"
    scenarios "scenario-$preset-again" "${failed[@]}" || true
  fi
  scenarios "scenario-$preset-alone" -m "$chosen alone" || status=$?
  return $status
}

# scenarios NAME [pytest arguments]: the whole folder, unless an argument names a file or folder of it.
scenarios() {
  local name=$1 status=0 where=(tests/scenario) argument
  shift
  for argument in "$@"; do
    if [[ $argument != -* && -e ${argument%%::*} ]]; then where=(); fi
  done
  mkdir -p "$RESULTS"
  rm -f "$RESULTS/$name.xml"
  $PYTHON -m pytest -c tests/scenario/pytest.ini --rootdir tests/scenario -p no:cacheprovider -q \
    --junitxml="$RESULTS/$name.xml" "$@" "${where[@]}" >&2 || status=$?
  # 5: nothing matched the marker, which is no failure.
  if [[ $status == 5 ]]; then return 0; fi
  if [[ ! -f $RESULTS/$name.xml ]]; then
    $PYTHON tests/support/tally.py --record "$RESULTS/$name.xml" "$name did not run" --failed /dev/null
  fi
  return $status
}

# run_fuzzers SECONDS [name]: explores at random, from what earlier runs found.
# run_fuzzers repeatable: a few seconds each with a fixed seed and without what depends on addresses, so that a test run
# hardly depends on chance.
run_fuzzers() {
  local how=$1 only=${2:-} program name found=no
  sanitizer_options
  for program in build/asan/tests/fuzz_*; do
    [[ -x $program && ! -d $program ]] || continue
    name=${program##*/fuzz_}
    [[ -z $only || $name == "$only" ]] || continue
    found=yes
    fuzz_one "$program" "$name" "$how"
  done
  if [[ $found == no ]]; then
    echo "dev: no fuzz target ${only:-at all}" >&2
    $PYTHON tests/support/tally.py --record "$RESULTS/fuzz.xml" "fuzz targets" --failed /dev/null
    return 2
  fi
}

fuzz_one() {
  local program=$1 name=$2 how=$3 seeds=tests/fuzz/corpus/$2 found=$PWD/build/fuzz/$2
  local corpus=$found/corpus extent=("-max_total_time=$how")
  if [[ $how == repeatable ]]; then
    corpus=$found/repeatable extent=(-seed=1 -use_cmp=0 -runs=200000 -max_total_time=15)
    rm -rf "$corpus"
  fi
  say "fuzzing $name: ${extent[*]}"
  mkdir -p "$corpus" "$RESULTS"
  local arguments=("${extent[@]}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
    "-artifact_prefix=$found/" "$corpus")
  [[ -d $seeds ]] && arguments+=("$seeds")
  [[ -f tests/fuzz/$name.dict ]] && arguments+=("-dict=tests/fuzz/$name.dict")
  if "$program" "${arguments[@]}" >"$found/log" 2>&1; then
    tail -n 8 "$found/log" | grep -E 'executed_units|new_units' >&2 || true
    $PYTHON tests/support/tally.py --record "$RESULTS/fuzz-$name.xml" "fuzz $name"
  else
    tail -n 60 "$found/log" >&2
    $PYTHON tests/support/tally.py --record "$RESULTS/fuzz-$name.xml" "fuzz $name" --failed "$found/log"
  fi
}

run_checks() {
  say "checks of the tree"
  mkdir -p "$RESULTS"
  local log=$RESULTS/check_tree.log
  if $PYTHON tests/support/check_tree.py >"$log" 2>&1; then
    $PYTHON tests/support/tally.py --record "$RESULTS/check_tree.xml" "floors, file length, names"
  else
    cat "$log" >&2
    $PYTHON tests/support/tally.py --record "$RESULTS/check_tree.xml" "floors, file length, names" --failed "$log"
  fi
  $PYTHON -m pytest -c tests/support/pytest.ini --rootdir tests/support -p no:cacheprovider -q \
    --junitxml="$RESULTS/support.xml" tests/support >&2 || true
}

# A build that fails is one failed test, and the parts that need it are left out.
built() {
  local log=$RESULTS/build-$1.log
  if (build_tests "$1") > >(tee "$log" >&2) 2>&1; then return 0; fi
  $PYTHON tests/support/tally.py --record "$RESULTS/build-$1.xml" "build of $1" --failed "$log"
  return 1
}

# test_part PART [pytest arguments]. What fails is in the results; the exit code is the tally's.
test_part() {
  local part=$1
  shift
  case $part in
    unit) built release && run_units release "$@" ;;
    scenario) built release && run_scenarios release "$@" ;;
    asan) built asan && run_units asan && run_scenarios asan "$@" ;;
    tsan) built tsan && run_units tsan -R "$THREADED" && run_scenarios tsan "$@" ;;
    fuzz) built asan && run_fuzzers repeatable ;;
    checks) setup test && run_checks ;;
    *) usage >&2; return 2 ;;
  esac
}

test_all() {
  local part=${1:-all} parts=()
  [[ $# -eq 0 ]] || shift
  case $part in
    all) parts=(checks unit scenario asan fuzz tsan) ;;
    quick) parts=(checks unit scenario) ;;
    unit | scenario | asan | tsan | fuzz | checks) parts=("$part") ;;
    *) usage >&2; return 2 ;;
  esac
  setup build test debug
  rm -rf "$RESULTS"
  mkdir -p "$RESULTS"
  for part in "${parts[@]}"; do
    test_part "$part" "$@" || true
  done
  $PYTHON tests/support/tally.py "$RESULTS"
}
