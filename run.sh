#!/usr/bin/env bash
# Builds Signalbox and shows it at work: the demo tenant examples/acme on SQLite, with every outside system in
# sandbox mode, and a recorded day of webhooks played through its front door.
#   ./run.sh          plays the day, then keeps serving until Ctrl-C (without a terminal: stops)
#   ./run.sh --once   plays the day and stops
# Further options go to examples/play.py (--help lists them).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/lib.sh

scripts/setup
mkdir -p build
say "building (the first time takes some minutes)"
configure_and_build release signalbox
exec python3 examples/play.py --signalbox build/release/bin/signalbox --work build/demo "$@"
