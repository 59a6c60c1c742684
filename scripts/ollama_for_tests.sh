#!/usr/bin/env bash
# Builds the Ollama server that one test talks to, once, and prints where it is. Needs Go and a C++
# compiler; takes some minutes. `OLLAMA_TEST_BINARY` names another server to be used instead.
set -euo pipefail

version=v0.9.6
folder="${XDG_CACHE_HOME:-$HOME/.cache}/aimesh/ollama-$version"

if [ ! -x "$folder/ollama" ]; then
  for tool in go g++; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      echo "$tool is missing: install it, Ollama is built with it" >&2
      exit 1
    fi
  done
  mkdir -p "$folder"
  echo "building Ollama $version (once)" >&2
  GOBIN="$folder" GOFLAGS=-mod=mod go install "github.com/ollama/ollama@$version"
fi
echo "$folder/ollama"
