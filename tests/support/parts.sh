# The parts of `./dev test`; part of dev, which reads it and has the functions it calls.
# shellcheck shell=bash disable=SC2154
# Every part leaves its results in build/results as JUnit XML; tests/support/tally.py sums them in the last line.

readonly RESULTS=$PWD/build/results
# Units in which threads meet; the rest has nothing for ThreadSanitizer to see.
readonly THREADED='^(unit_(base|metrics|net|pool|balance|health|upstream|access_log|worker|relay|filter|exchange|front|store|control|api)|contract_.*)$'
threaded_programs() { ctest --test-dir build/tsan -N -R "$THREADED" | sed -n 's/^ *Test *#[0-9]*: //p'; }

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

# run_scenarios PRESET [pytest arguments]: with arguments those, else all.
run_scenarios() {
  local preset=$1 status=0
  shift
  if [[ $# -gt 0 ]]; then
    say "scenario tests, $preset"
    scenarios "$preset" "scenario-$preset" "$@" || status=$?
    return $status
  fi
  run_scenarios_together "$preset" || status=$?
  run_scenarios_alone "$preset" || status=$?
  return $status
}

# The scenarios of PRESET that do not run in vain there, as an expression of markers to be continued.
chosen_of() {
  case $1 in
    tsan) echo "multiworker and" ;;
    asan) echo "not slow_with_sanitizer and" ;;
  esac
}

# run_scenarios_together PRESET [files]: several at a time. They wait for much of their time, so that there is one more
# than processors.
run_scenarios_together() {
  local preset=$1 status=0 list=$PWD/build/repeat-$1
  shift
  say "scenario tests, $preset"
  rm -f "$list"
  WEIR_REPEAT_LIST=$list scenarios "$preset" "scenario-$preset" -n "$(($(nproc) + 1))" -m "$(chosen_of "$preset") not alone" \
    "$@" || status=$?
  if [[ -f $list ]]; then
    local failed
    mapfile -t failed <"$list"
    say "once more, each alone: ${failed[*]}"
    scenarios "$preset" "scenario-$preset-again" "${failed[@]}" || true
  fi
  return $status
}

# Those marked `alone` measure memory or time: one by one, and no build beside them.
run_scenarios_alone() {
  say "scenario tests that run alone, $1"
  scenarios "$1" "scenario-$1-alone" -m "$(chosen_of "$1") alone"
}

# scenarios PRESET NAME [pytest arguments]: the whole folder, unless an argument names a file or folder of it.
scenarios() {
  local preset=$1 name=$2 status=0 where=(tests/scenario) argument
  shift 2
  sanitizer_options
  for argument in "$@"; do
    if [[ $argument != -* && -e ${argument%%::*} ]]; then where=(); fi
  done
  mkdir -p "$RESULTS"
  rm -f "$RESULTS/$name.xml"
  WEIR_BINARY=$PWD/build/$preset/weir WEIR_PRESET=$preset \
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
  local how=$1 only=${2:-} program name found=no running=()
  sanitizer_options
  for program in build/asan/tests/fuzz_*; do
    [[ -x $program && ! -d $program ]] || continue
    name=${program##*/fuzz_}
    [[ -z $only || $name == "$only" ]] || continue
    found=yes
    fuzz_one "$program" "$name" "$how" &
    running+=("$!")
    # A target has one thread; those that explore have the machine to themselves.
    if [[ $how != repeatable || ${#running[@]} -ge $(nproc) ]]; then
      wait "${running[@]}" || true
      running=()
    fi
  done
  if [[ ${#running[@]} -gt 0 ]]; then wait "${running[@]}" || true; fi
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

# check NAME TITLE COMMAND...: a command that is one test.
check() {
  local name=$1 title=$2 log=$RESULTS/$1.log
  shift 2
  mkdir -p "$RESULTS"
  if "$@" >"$log" 2>&1; then
    $PYTHON tests/support/tally.py --record "$RESULTS/$name.xml" "$title"
  else
    cat "$log" >&2
    $PYTHON tests/support/tally.py --record "$RESULTS/$name.xml" "$title" --failed "$log"
  fi
}

run_support_tests() {
  $PYTHON -m pytest -c tests/support/pytest.ini --rootdir tests/support -p no:cacheprovider -q \
    --junitxml="$RESULTS/support.xml" "$@" >&2 || true
}

run_checks() {
  say "checks of the tree"
  check check_tree "floors, file length, names" "$PYTHON" tests/support/check_tree.py
  run_support_tests tests/support
}

# ./dev test changed [REF]: what can see the changes since REF, by tests/support/changed.py.
test_changed() {
  local plan kind value programs=() scenarios=() support=() sources=()
  plan=$($PYTHON tests/support/changed.py "$@") || return
  while read -r kind value; do
    case $kind in
      program) programs+=("$value") ;;
      scenario) scenarios+=("$value") ;;
      support) support+=("$value") ;;
      format) sources+=("$value") ;;
      note) say "$value" ;;
    esac
  done <<<"$plan"
  say "${#programs[@]} test programs, ${#scenarios[@]} files of scenarios: ${programs[*]}"
  check check_tree "floors, file length, names" "$PYTHON" tests/support/check_tree.py
  if [[ ${#sources[@]} -gt 0 ]]; then check format "formatting" clang-format-19 --dry-run -Werror "${sources[@]}"; fi
  if [[ ${#support[@]} -gt 0 ]]; then run_support_tests "${support[@]}"; fi
  [[ ${#programs[@]} -gt 0 || ${#scenarios[@]} -gt 0 ]] || return 0
  built release weir "${programs[@]}" || return 0
  if [[ ${#programs[@]} -gt 0 ]]; then run_units release -R "^($(IFS='|' && echo "${programs[*]}"))$"; fi
  if [[ ${#scenarios[@]} -gt 0 ]]; then run_scenarios_together release "${scenarios[@]}" || true; fi
}

# built PRESET [targets...]: a build that fails is one failed test, and the parts that need it are left out.
built() {
  local log=$RESULTS/build-$1.log
  if (build_tests "$@") > >(tee "$log" >&2) 2>&1; then return 0; fi
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
    checks) run_checks ;;
    changed) test_changed "$@" ;;
  esac
}

test_all() {
  local part=${1:-all} parts=()
  [[ $# -eq 0 ]] || shift
  case $part in
    all) parts=(checks unit scenario asan fuzz tsan) ;;
    quick) parts=(checks unit scenario) ;;
    changed | unit | scenario | asan | tsan | fuzz | checks) parts=("$part") ;;
    *) usage >&2; return 2 ;;
  esac
  setup build test lint debug
  rm -rf "$RESULTS"
  mkdir -p "$RESULTS"
  for part in "${parts[@]}"; do
    test_part "$part" "$@" || true
  done
  $PYTHON tests/support/tally.py "$RESULTS"
}
