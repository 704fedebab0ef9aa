#!/usr/bin/env bash
# Installs the peer of `make bench BENCH=end_to_end`: Node-RED and the function that says whether a point is in a polygon. Below target/, so that
# nothing of it stands beside the sources, and only when it is not there yet.
set -euo pipefail
cd "$(dirname "$0")"
place=../../../target/node-red
mkdir -p "$place"
cmp -s package-lock.json "$place/.installed" && exit 0
cp package.json package-lock.json "$place"
npm ci --prefix "$place" --no-audit --no-fund --silent
cp package-lock.json "$place/.installed"
