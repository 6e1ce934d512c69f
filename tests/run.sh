#!/usr/bin/env bash
# Every test, stage by stage, each timed. A failing stage does not hide the next; the exit code tells.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
names=() times=() results=()

stage() {
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s ==\n' "$name"
  if "$@"; then results+=(ok); else results+=(FAILED); fi
  names+=("$name") times+=($((SECONDS - start)))
}

# Three minutes of nothing but waiting: beside the others.
begin_soak() {
  mkdir -p build
  "$bin/python" -m pytest -q -s tests/soak >build/soak.log 2>&1 &
  soak=$!
}

soaked() {
  wait "$soak"
  local code=$?
  cat build/soak.log
  return $code
}

stage check make --no-print-directory check
stage models "$bin/lianfang" models install
stage console npm --prefix alerts/console run --silent test
# Two at a time: most of a test of real processes is waiting. A file stays with one worker, and so do its brokers.
for folder in unit contract integration e2e truth; do
  if [ $folder = contract ]; then begin_soak; fi
  case $folder in unit | truth) split=worksteal ;; *) split=loadfile ;; esac
  stage "$folder" "$bin/python" -m pytest -q -n 2 --dist $split --durations=5 -m "not chaos" "tests/$folder"
done
stage soak soaked
stage ultralytics bash tests/ultralytics.sh

printf '\n%-12s %6s  %s\n' stage seconds result
failed=0
for i in "${!names[@]}"; do
  printf '%-12s %6d  %s\n' "${names[$i]}" "${times[$i]}" "${results[$i]}"
  [ "${results[$i]}" = ok ] || failed=1
done
exit $failed
