#!/usr/bin/env bash
# Installs the foreign peers that the tests speak to: real brokers, real databases, a real browser.
set -euo pipefail
cd "$(dirname "$0")"

packages=(sip-tester strace curl mosquitto mosquitto-clients victoria-metrics influxdb chromium fonts-noto-cjk)
missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq
    # No service is started by the installation: each test starts its own, on a port of its own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
# pymodbus is a station's peer, pymavlink a vehicle's, requests a camera that posts; the others are what surveyors' programs stand on: GDAL, PROJ and GEOS, each in its wheel.
for package in pymodbus==3.16.1 pymavlink==2.4.49 requests==2.32.5 pyproj==3.7.2 pyogrio==0.13.0 shapely==2.2.0 geopandas==1.2.0 rasterio==1.4.3; do
    python3 -c "import ${package%%==*}" 2>/dev/null || python3 -m pip install --quiet "$package" \
        || python3 -m pip install --quiet --break-system-packages "$package"
done
cd browser && npm ci --no-audit --no-fund --silent
