#!/usr/bin/env bash
# Installs the Phoenix that one test sends traces to, once, in an environment of its own beside the
# project's, and prints where it is. `PHOENIX_TEST_BINARY` names another one to be used instead.
set -euo pipefail

version=20.26.1
folder="${XDG_CACHE_HOME:-$HOME/.cache}/aimesh/phoenix-$version"

if [ ! -e "$folder/done" ]; then
  echo "installing Phoenix $version (once)" >&2
  "${PYTHON:-python3}" -m venv --clear "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "arize-phoenix==$version"
  touch "$folder/done"
fi
echo "$folder/bin/phoenix"
