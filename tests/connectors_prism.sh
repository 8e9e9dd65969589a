#!/bin/sh
# Holds the requests of the shipped connectors against the vendors' own API descriptions, with Prism as mock server.
# usage: tests/connectors_prism.sh BUILD_DIR [SHARED_DIR]
# Needs Node and @stoplight/prism-cli (found through npx, or named by PRISM); skips, saying so, without them.
set -eu
build=${1:?usage: tests/connectors_prism.sh BUILD_DIR [SHARED_DIR]}
specs=${2:-${SIGNALBOX_SHARED:-../shared}}/vendors/specs
prism=${PRISM:-npx --no-install prism}
zendesk_port=${ZENDESK_PORT:-4101}
slack_port=${SLACK_PORT:-4102}

cd "$(dirname "$0")/.."
if [ ! -e "$specs/zendesk.json" ]; then
    echo "skipped: no API descriptions in $specs" >&2
    exit 0
fi
if ! $prism --version >/dev/null 2>&1; then
    echo "skipped: Prism is not installed (npm install @stoplight/prism-cli, or set PRISM)" >&2
    exit 0
fi

logs=$(mktemp -d)
servers=""
finish() {
    for server in $servers; do kill "$server" 2>/dev/null || true; done
    rm -rf "$logs"
}
trap finish EXIT

serve() {  # port, description
    $prism mock -h 127.0.0.1 -p "$1" "$specs/$2" >"$logs/$2.log" 2>&1 &
    servers="$servers $!"
}
serve "$zendesk_port" zendesk.json
serve "$slack_port" slack-openapi3.json
for description in zendesk.json slack-openapi3.json; do
    tries=0
    until grep -q "Prism is listening" "$logs/$description.log"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 60 ]; then
            cat "$logs/$description.log" >&2
            exit 1
        fi
        sleep 1
    done
done

SIGNALBOX_PRISM_ZENDESK=http://127.0.0.1:$zendesk_port SIGNALBOX_PRISM_SLACK=http://127.0.0.1:$slack_port \
    "$build/bin/test_connectors" "[.prism]"
