#!/usr/bin/env bash
# Every test, stage by stage, each timed. A failing stage does not hide the next; the exit code tells.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
names=() times=() results=()
# Some hundred processes are started: none of them should compile all modules anew.
unset PYTHONDONTWRITEBYTECODE

stage() {
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s ==\n' "$name"
  if "$@"; then results+=(ok); else results+=(FAILED); fi
  names+=("$name") times+=($((SECONDS - start)))
}

# What needs no core of its own runs beside the stages, and is a stage once it is waited for.
declare -A beside
begin() {
  local name=$1
  shift
  "$@" >"build/$name.log" 2>&1 &
  beside[$name]=$!
}

ended() {
  wait "${beside[$1]}"
  local code=$?
  cat "build/$1.log"
  return $code
}

tests=("$bin/python" -m pytest -q --durations=5 -m "not chaos")
mkdir -p build
begin installing bash tests/ultralytics.sh --install
stage check make --no-print-directory check
stage models "$bin/lianfang" models install
stage console npm --prefix alerts/console run --silent test
stage unit "${tests[@]}" -n 2 --dist worksteal tests/unit
begin soak "$bin/python" -m pytest -q -s tests/soak # three minutes of nothing but waiting
# Most of a test of real processes is waiting: two at a time. tests/support/sharing.py says what stays together,
# and what begins first. All of them at once: at the end of each folder one of the two would have nothing to do.
stage processes "${tests[@]}" -n 2 --dist loadfile tests/contract tests/integration tests/e2e
stage soak ended soak
# In one process, in which the model looks at its minute of video once for all of them.
stage truth "${tests[@]}" tests/truth
wait "${beside[installing]}"
stage ultralytics bash tests/ultralytics.sh

printf '\n%-12s %6s  %s\n' stage seconds result
failed=0
for i in "${!names[@]}"; do
  printf '%-12s %6d  %s\n' "${names[$i]}" "${times[$i]}" "${results[$i]}"
  [ "${results[$i]}" = ok ] || failed=1
done
exit $failed
