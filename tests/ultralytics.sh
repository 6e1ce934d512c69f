#!/usr/bin/env bash
# Runs the tests of the ultralytics engine, and those of training, which need torch as well. The package brings torch with CUDA, 6 GB: PyPI has no smaller one for
# Linux that loads, so it stays out of .venv, in the user's cache, and is installed once.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-}
[[ $cache == /* ]] || cache=$HOME/.cache
venv=$cache/lianfang/ultralytics-venv
mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9 # another run may be installing

python=.venv/bin/python
needs=$("$python" -c '
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
print(*project["dependencies"], *project["optional-dependencies"]["ultralytics"], sep="\n")
print("pytest>=8.4", "pytest-timeout>=2.4", sep="\n")
')
version=$("$python" -c 'import sys; print(sys.version)')
if [ "$(cat "$venv/version" 2>/dev/null)" != "$version" ]; then
  "$python" -m venv --clear "$venv"
  echo "$version" >"$venv/version"
fi
if [ "$(cat "$venv/needs" 2>/dev/null)" != "$needs" ]; then
  echo "installing ultralytics and torch (6 GB) into $venv …"
  "$venv/bin/python" -m pip install --quiet --no-cache-dir --requirement /dev/stdin <<<"$needs"
  echo "$needs" >"$venv/needs"
fi
flock --unlock 9
[ "${1:-}" != --install ] || exit 0

# The package is there now: that its tests skip would be a fault.
export LIANFANG_NEEDS_ULTRALYTICS=1
training=$(grep --files-with-matches "torch is not installed" tests/unit/detectors/*.py)
# shellcheck disable=SC2086 # several names
exec "$venv/bin/python" -m pytest -q --durations=5 tests/integration/yolo $training "$@"
