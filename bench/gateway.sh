#!/usr/bin/env bash
# Calls per second and latency through Pugmark, every call durably recorded, against nginx (proxy_pass, access log on)
# in front of the same upstream, in one run. Prints a ratio for small JSON calls and for 1 MiB S3 puts.
#
# Needs nginx and wrk (Debian packages of these names) and a release build. Everything runs on 127.0.0.1.
#   SECONDS_EACH=10 CONNECTIONS=64 bench/gateway.sh
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${SECONDS_EACH:-10}" connections="${CONNECTIONS:-64}" rounds="${ROUNDS:-3}"
target="${CARGO_TARGET_DIR:-target}"
for program in nginx wrk python3; do
    command -v "$program" >/dev/null || { echo "bench/gateway.sh needs $program: apt-get install nginx-light wrk python3"; exit 2; }
done
work="$(mktemp -d)"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

# The upstream: an nginx that answers at once. 4590 upstream, 4591 nginx as the proxy, 4592 Pugmark.
cat >"$work/upstream.conf" <<CONF
worker_processes 1; pid $work/upstream.pid; error_log $work/upstream.err; daemon off;
events { worker_connections 4096; }
http { access_log off; client_max_body_size 0; client_body_temp_path $work/ub; keepalive_requests 1000000;
  server { listen 127.0.0.1:4590 reuseport;
    location / { default_type application/x-amz-json-1.0; return 200 '{"TableNames":["one","two","three"]}'; }
    location /bench/ { client_body_in_single_buffer on; client_body_buffer_size 2m; proxy_pass http://127.0.0.1:4593; }
  }
  server { listen 127.0.0.1:4593; location / { return 200 ''; } } }
CONF
cat >"$work/proxy.conf" <<CONF
worker_processes 2; pid $work/proxy.pid; error_log $work/proxy.err; daemon off;
events { worker_connections 4096; }
http { access_log $work/access.log combined; client_max_body_size 0; client_body_temp_path $work/pb; keepalive_requests 1000000;
  upstream up { server 127.0.0.1:4590; keepalive 256; keepalive_requests 1000000; }
  server { listen 127.0.0.1:4591 reuseport;
    location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host \$host; proxy_request_buffering off; } } }
CONF
nginx -c "$work/upstream.conf" -p "$work" & pids+=($!)
nginx -c "$work/proxy.conf" -p "$work" & pids+=($!)
export PUGMARK_ROOT_ACCESS_KEY_ID=AKIABENCHBENCHBENCHB PUGMARK_ROOT_SECRET_ACCESS_KEY=bench-secret
# The upstream gives the same answer to everything, a question for a bucket policy included.
printf '[delivery]\nbucket_policy = "ignored"\n' >"$work/pugmark.toml"
"$target/release/pugmark" --log error serve --config "$work/pugmark.toml" --data-dir "$work/data" --listen 127.0.0.1:4592 --admin-listen 127.0.0.1:4594 \
    --upstream http://127.0.0.1:4590 >"$work/pugmark.log" 2>&1 & pids+=($!)
for _ in $(seq 100); do
    if python3 -c 'import urllib.request; urllib.request.urlopen("http://127.0.0.1:4594/-/ready")' 2>/dev/null; then break; fi
    sleep 0.1
done

# A trail that takes every call, data events of S3 too, so that each one is recorded and delivered.
python="${PYTHON:-.venv/bin/python}"
aws() {
    AWS_ACCESS_KEY_ID="$PUGMARK_ROOT_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="$PUGMARK_ROOT_SECRET_ACCESS_KEY" AWS_DEFAULT_REGION=us-east-1 \
        "$python" -m awscli --endpoint-url http://127.0.0.1:4592 cloudtrail "$@" >/dev/null
}
aws create-trail --name bench --s3-bucket-name bench-audit
aws put-event-selectors --trail-name bench --event-selectors \
    '[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]'
aws start-logging --name bench

# Requests that are signed once: a signature is good for 15 minutes.
python3 bench/sign.py "$work" "$PUGMARK_ROOT_ACCESS_KEY_ID" "$PUGMARK_ROOT_SECRET_ACCESS_KEY"
measure() { # port script
    wrk -t2 -c"$connections" -d"${seconds}s" --latency -s "$work/$2.lua" "http://127.0.0.1:$1" >"$work/out"
    if grep -q "Non-2xx" "$work/out"; then cat "$work/out"; tail -3 "$work/pugmark.log"; exit 1; fi
    [ "$1" = 4592 ] && awk '/requests in/ {print $1}' "$work/out" >>"$work/answered"
    awk '/Requests\/sec/ {r=$2} /50%/ {a=$2} /99%/ {b=$2} END {print r, a, b}' "$work/out"
}
for script in json put; do
    [ "$script" = put ] && connections=16
    for round in $(seq "$rounds"); do
        nginx_line="$(measure 4591 $script)"
        ours_line="$(measure 4592 $script)"
        echo "$script round $round: nginx (calls/s p50 p99) $nginx_line | pugmark $ours_line | ratio $(awk "BEGIN {split(\"$nginx_line\", n); split(\"$ours_line\", p); printf \"%.2f\", p[1] / n[1]}")"
    done
done
# Nothing is measured that was not recorded: the counter must know every call that wrk counted.
python3 - "$work" <<'PY'
import re, sys, urllib.request
metrics = urllib.request.urlopen("http://127.0.0.1:4594/-/metrics").read().decode()
recorded = sum(int(n) for n in re.findall(r"^pugmark_events_total\{.*\} (\d+)$", metrics, re.M))
answered = sum(int(line) for line in open(sys.argv[1] + "/answered"))
print(f"{answered} calls answered, {recorded} events recorded")
sys.exit(recorded < answered)
PY
echo "journal after the run: $(du -sh "$work/data/journal" | cut -f1); pugmark resident: $(awk '/VmRSS|VmHWM/ {print $1, $2 / 1024 " MiB"}' "/proc/${pids[2]}/status" | tr '\n' ' ')"
