#!/usr/bin/env bash
# Builds everything and runs every test: all of them in an optimised build with assertions, the unit
# and fault tests again under the address and undefined-behaviour sanitizers and under the thread
# sanitizer, and the fuzz targets for a minute each, built by clang.
#
#   bash tests/run.sh [CTEST ARGUMENT...]     for example: bash tests/run.sh -R Publisher
#
# The arguments go to ctest in each of the four trees. SHMCONF_TREES="test asan" runs only those
# named; SHMCONF_TREES=fuzz SHMCONF_FUZZ_SECONDS=3600 fuzzes for an hour each. What the machine lacks is
# installed first (config/install_packages.sh, the real Consul into build/consul, promtool into
# build/promtool, and npm's packages into build/node_packages). A second run in the same clone waits for
# the first; clones do not disturb each other. The last line is `N passed, M failed`, over all trees; a
# test that did not run counts as failed, and so does a tree that does not build. Exit code 0 only if at
# least one test ran and all passed. An integration test that failed is run again alone, since a busy
# machine may have kept its processes waiting: then both results are told, and the second one counts.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# Only sudo may ask for anything, and only a terminal.
[[ -t 0 ]] || exec </dev/null

# shellcheck source=config/build_tree.sh
source config/build_tree.sh

readonly kSanitized=(-L '^(unit|fault)$')

passed=0
failed=0
verdicts=()

heading() { printf '\n==== %s ====\n' "$*"; }

# The totals, as the last thing that is printed.
closing() {
  local code=$?
  ((code == 0 || failed > 0)) || failed=1
  printf '\n'
  [[ ${#verdicts[@]} -eq 0 ]] || printf '%s\n' "${verdicts[@]}"
  printf '%d passed, %d failed\n' "$passed" "$failed"
}

build() {
  local tree=$1 target=$2
  shift 2
  heading "build/$tree: build"
  if ! build_tree "build/$tree" "$target" -DSHMCONF_WERROR=ON -DSHMCONF_BUILD_TESTS=ON "$@"; then
    verdicts+=("$tree: does not build")
    failed=$((failed + 1))
    return 1
  fi
}

attribute() { sed -n "s/.*\\b$1=\"\\([0-9]*\\)\".*/\\1/p" <<<"$2" | head -1; }

# From ctest's own report, into total, bad and idle. ctest calls a skipped test passed and a missing one
# failed; here both did not run.
read_report() {
  local suite
  suite=$(tr '\n\t' '  ' <"$1" | sed -n 's/^[^<]*<?xml[^>]*>[^<]*<testsuite \([^>]*\)>.*/\1/p')
  total=$(attribute tests "$suite")
  bad=$(attribute failures "$suite")
  idle=$(($(attribute skipped "$suite") + $(attribute disabled "$suite")))
}

count() {
  local tree=$1 report=build/$1/report.xml total bad idle
  if [[ ! -s $report ]]; then
    verdicts+=("$tree: no report")
    return
  fi
  read_report "$report"
  passed=$((passed + total - bad - idle))
  failed=$((failed + bad + idle))
  verdicts+=("$tree: $total tests, $bad failed, $idle did not run")
  mapfile -t -O "${#verdicts[@]}" verdicts < <(
    sed -n "s/.*<testcase name=\"\([^\"]*\)\".* status=\"\(fail\|notrun\|disabled\)\".*/$tree: \2 \1/p" "$report")
}

# One more than there are processors: integration tests wait most of their time, and fuzz targets run for
# a time, not for a result.
parallel_tests() { if [[ $1 =~ ^(test|fuzz)$ ]]; then echo $(($(nproc) + 1)); else nproc; fi; }

# run TREE CTEST-ARGUMENT...: ctest's closing line is reworded, so that only the total over all
# trees can be taken for the result.
run() {
  local tree=$1 code=0 closing_line='^[0-9]+% tests passed, ([0-9]+) tests failed out of ([0-9]+)$'
  shift
  heading "build/$tree: test"
  rm -f -- "build/$tree/report.xml"
  "${launch[@]}" ctest --test-dir "build/$tree" --output-on-failure --parallel "$(parallel_tests "$tree")" \
    --output-junit report.xml "$@" 9>&- 2>&1 |
    sed -u -E "s/$closing_line/$tree: \\1 of \\2 tests failed/" ||
    code=$?
  local failed_before=$failed
  count "$tree"
  if ((code != 0 && failed == 0)); then
    verdicts+=("$tree: ctest ended with code $code")
    failed=1
  elif ((failed > failed_before)); then
    run_again "$tree"
  fi
}

run_again() {
  local tree=$1 report=build/$1/again.xml total=0 bad=0 idle=0 names
  # As one expression: neither --rerun-failed nor -I goes together with a label.
  names=$(sed -n 's/^[0-9]*://p' "build/$tree/Testing/Temporary/LastTestsFailed.log" |
    sed 's/[][().*+?^$|\\]/\\&/g' | paste -sd'|')
  heading "build/$tree: the integration tests that failed, again and alone"
  rm -f -- "$report"
  "${launch[@]}" ctest --test-dir "build/$tree" -R "^($names)\$" -L '^integration$' --output-on-failure \
    --output-junit again.xml 9>&- 2>&1 | sed -u -E 's/^[0-9]+% tests passed, /again: /' || true
  [[ -s $report ]] || return 0
  read_report "$report"
  passed=$((passed + total - bad - idle))
  failed=$((failed - (total - bad - idle)))
  ((total == 0)) || verdicts+=("$tree: of $total integration tests that failed, $((total - bad - idle)) passed alone")
}

# The thread sanitizer of GCC 12 and clang 14 cannot place its shadow when the kernel randomises
# addresses over more than 28 bits. The build too starts tests, to list their cases.
fixed_addresses() {
  local bits
  bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
  ((bits > 28)) || return 0
  if setarch -R true 2>/dev/null; then
    launch=(setarch -R)
  else
    echo "addresses are randomised over $bits bits and setarch -R is not allowed here: if the thread" \
      "sanitizer reports an unexpected memory mapping, set vm.mmap_rnd_bits to 28" >&2
  fi
}

# Assertions stay in: the build type None adds no NDEBUG.
plain_tree() {
  # The prefix, since Debian's packages are made of this tree too.
  build test all -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O2 -DSHMCONF_SANITIZE= -DCMAKE_INSTALL_PREFIX=/usr || return 0
  wait "$debian_tree_job" || cat build/debian_tree.log
  wait "$promtool_job" || cat build/promtool.log
  SHMCONF_PROMTOOL=$(tail -n 1 build/promtool.path)
  export SHMCONF_PROMTOOL
  run test "$@"
}

sanitized_tree() {
  local tree=$1 sanitizers=$2
  shift 2
  build "$tree" sanitized_tests -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS='-O1 -g1' \
    -DSHMCONF_SANITIZE="$sanitizers" -DSHMCONF_BUILD_BENCH=OFF || return 0
  run "$tree" "${kSanitized[@]}" "$@"
}

# Built and run from what earlier runs found, which stays in build/fuzz.
fuzz_tree() {
  local seconds=$1
  shift
  build fuzz fuzz_targets -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS='-O1 -g1' \
    -DSHMCONF_SANITIZE=fuzzer-no-link,address,undefined,float-cast-overflow -DSHMCONF_FUZZ_SECONDS="$seconds" \
    -DSHMCONF_BUILD_BENCH=OFF -DSHMCONF_BUILD_PYTHON=OFF -DSHMCONF_BUILD_NODE=OFF || return 0
  run fuzz -L '^fuzz$' "$@"
}

main() {
  local tree variable consul node_packages
  trap closing EXIT
  bash config/install_packages.sh build test
  exec </dev/null
  lock_tree build
  consul=$(bash tests/install_consul.sh build/consul 9>&- | tail -n 1)
  # Without them one test fails, and says so.
  node_packages=$(bash tests/install_node_packages.sh build/node_packages 9>&- | tail -n 1) || node_packages=

  # While the first tree is built; without them some tests fail, and say so.
  bash tests/install_debian_tree.sh build/debian_tree >build/debian_tree.log 2>&1 9>&- &
  debian_tree_job=$!
  bash tests/install_promtool.sh build/promtool >build/promtool.path 2>build/promtool.log 9>&- &
  promtool_job=$!

  local trees=${SHMCONF_TREES:-test asan tsan fuzz} fuzz_seconds=${SHMCONF_FUZZ_SECONDS:-60}
  # The caller's own Consul and settings must not reach the tests.
  for variable in "${!CONSUL_@}" "${!SHMCONF_@}"; do unset "$variable"; done
  export SHMCONF_CONSUL=$consul SHMCONF_NODE_PACKAGES=$node_packages SHMCONF_DEBIAN_TREE=$PWD/build/debian_tree/tree
  # _exit and death by signal, which the fault tests are full of, skip the leak check by themselves.
  # Forked children of a process with threads may start threads of their own.
  export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:${ASAN_OPTIONS:-}"
  export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS:-}"
  export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:die_after_fork=0:${TSAN_OPTIONS:-}"

  for tree in $trees; do
    case $tree in
      test) plain_tree "$@" ;;
      asan) sanitized_tree asan address,undefined "$@" ;;
      tsan)
        fixed_addresses
        sanitized_tree tsan thread "$@"
        launch=()
        ;;
      fuzz) fuzz_tree "$fuzz_seconds" "$@" ;;
      *)
        echo "SHMCONF_TREES: unknown tree '$tree' (test, asan, tsan, fuzz)" >&2
        exit 2
        ;;
    esac
  done
  if ((passed + failed == 0)); then
    verdicts+=("no test was run: nothing matches $*")
    failed=0
    exit 1
  fi
  ((failed == 0))
}

main "$@"
