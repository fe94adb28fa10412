#!/usr/bin/env bash
# The tests under a sanitizer, in a build of its own: run.sh thread|address [FILTER]. Reports are left in .build/SANITIZER/report.*; exits 1 when
# there is one, or when a test fails. Takes many minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
sanitizer=${1:-}
scratch=.build/$sanitizer
# What counts the memory or the stack of the process, of which a sanitizer takes its own, is skipped.
case $sanitizer in
# What runs on many threads.
thread) filter=${2:-^(HTTP|Service|Jobs)Tests} flags=() skip=slowReadersHoldNothing ;;
# Everything. The coverage is for Tests/Fuzz/run.sh specs, which goes on with this build.
address)
  filter=${2:-} flags=(-Xswiftc -sanitize-coverage=edge)
  skip='slowReadersHoldNothing|manyPipelinedRequests|pipelinedRequestsWithoutHandler|BenchTests/figures'
  ;;
*) echo "run.sh thread|address [FILTER]" >&2; exit 2 ;;
esac

swift build -c release -j "${JOBS:-2}" --scratch-path "$scratch" --sanitize="$sanitizer" "${flags[@]}" --build-tests
clang -O1 -shared -fPIC -o "$scratch/runtime.so" Tests/Sanitizers/runtime.c
rm -f "$scratch"/report.*

# The Swift runtime keeps what it has made to the end, so leaks say nothing. A report fails no test: all of them are wanted.
export ASAN_OPTIONS="detect_leaks=0:halt_on_error=1:suppressions=$PWD/Tests/Sanitizers/address.txt:log_path=$PWD/$scratch/report"
export TSAN_OPTIONS="halt_on_error=0:exitcode=0:second_deadlock_stack=1:log_path=$PWD/$scratch/report:suppressions=$PWD/Tests/Sanitizers/thread.txt"
status=0
test=("$scratch"/release/*.xctest)
if [[ $sanitizer == thread ]]; then export LD_PRELOAD="$PWD/$scratch/runtime.so"; fi
# Tests that wait for something have their time multiplied by what the sanitizer takes: they say so themselves when it is too little.
"${test[0]}" --testing-library swift-testing --no-parallel ${filter:+--filter "$filter"} --skip "$skip" || status=$?
unset LD_PRELOAD
reports=$(cat "$scratch"/report.* 2>/dev/null | grep -c "^SUMMARY: " || true)
echo "$sanitizer: $reports reports, tests ended with $status"
[[ $status == 0 && $reports == 0 ]]
