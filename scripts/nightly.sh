#!/bin/sh
# Everything that draws at random, in turns until the hours are over; each turn takes seeds of its own.
# Usage: scripts/nightly.sh [HOURS] in the root of a checkout. PYTHON=... chooses the Python, DASK=ADDRESS a cluster
# for the fuzz, OUTPUT=... the folder of the report, FIRST=... the first seed (default: the day's).
# Ends with 7 if anything failed. report.txt has a line for each step; results are JSON files beside it.
set -eu

hours=${1:-8}
python=${PYTHON:-.venv/bin/python}
output=${OUTPUT:-build/nightly}
seed=${FIRST:-$(date +%Y%m%d)00000}
turn_networks=${NETWORKS:-500}
turn_inputs=${INPUTS:-500}
turn_frames=${FRAMES:-2000}

mkdir -p "$output"
report=$output/report.txt
end=$(($(date +%s) + $(echo "$hours" | awk '{ printf "%d", $1 * 3600 }')))
failed=0
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD"
echo "fpgaq $(git rev-parse --short HEAD 2>/dev/null || echo 'without git'), $hours hours, seeds from $seed" > "$report"

# step NAME COMMAND...: runs it with its log, adds a line to the report.
step() {
    name=$1
    shift
    began=$(date +%s)
    code=0
    nice -n 19 "$@" > "$output/$name.log" 2>&1 || code=$?
    seconds=$(($(date +%s) - began))
    echo "$name: exit code $code, $seconds s; $(tail -n 1 "$output/$name.log")" >> "$report"
    if [ "$code" != 0 ]; then
        failed=$((failed + 1))
    fi
}

step faults "$python" -m tests.faults.measure -o "$output/faults.json"
turn=0
while [ "$turn" = 0 ] || [ "$(date +%s)" -lt "$end" ]; do
    step "fuzz_$turn" "$python" -m hdl_tests.fuzz "$turn_networks" --seed "$seed" --crashers "$output/crashers" \
        -o "$output/fuzz_$turn.json" ${DASK:+--dask "$DASK"}
    step "inputs_$turn" "$python" -m tests.faults.fuzz_inputs "$turn_inputs" --seed "$seed" --kept "$output/bad_inputs" \
        -o "$output/inputs_$turn.json"
    step "load_$turn" "$python" -m hdl_tests.load "$turn_frames" --seed "$seed" -o "$output/load_$turn.json"
    seed=$((seed + turn_networks))
    turn=$((turn + 1))
done
echo "$turn turns, $failed steps failed" >> "$report"
cat "$report"
[ "$failed" = 0 ] || exit 7
