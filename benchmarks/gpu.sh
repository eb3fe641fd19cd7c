#!/usr/bin/env bash
# What is measured on a GPU, in the order of its worth; it can be cut off anywhere, and goes on when it is called again.
#
#     benchmarks/gpu.sh [--proof] [PART ...]
#
#   speed    MentorNet and MentorMix against a bare loop (python -m benchmarks speed)
#   minute   clean CIFAR-10, loading included, to 94 and to 96 % (python -m benchmarks minute)
#   seeds    the table of methods on all of CIFAR-10 (python -m benchmarks run --profile seeds)
#   more     the other comparisons of the speed study
#
# By default all, one after the other. Each row is written as soon as it is known, to $OUT if that is set, which then begins
# with a copy of what benchmarks/results has; cells that have a result there are not run again. No network is needed:
# CIFAR-10 is read from the data home, $NOISYLABEL_DATA (57 MB of Parquet files).
#
# Environment: DEVICE (cuda), PYTHON (python), BUDGET_S (seconds in all, 480), JOBS (cells at a time, 2: while one begins or
# learns its curriculum, the other has the GPU), and options for the parts: SPEED_ARGS, MINUTE_ARGS, SEEDS_ARGS. --proof does
# a little of each part on a CPU, in minutes.
set -uo pipefail
cd "$(dirname "$0")/.."

: "${DEVICE:=cuda}" "${PYTHON:=$(command -v python || command -v python3)}" "${BUDGET_S:=480}" "${JOBS:=2}" "${OUT:=benchmarks/results}"
: "${SPEED_ARGS:=}" "${MINUTE_ARGS:=}" "${SEEDS_ARGS:=}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-4}" PYTHONUNBUFFERED=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
TABLE_S=20 # kept for the tables at the end
TARGETS="mentornet_resnet_vs_torch mentormix_resnet_vs_torch"
MORE="mentornet_mlp_vs_fused_torch elr_resnet_vs_torch filterkd_teacher_resnet_vs_torch mentornet_compiled_resnet_vs_torch"

if [ "${1:-}" = --proof ]; then
    shift
    DEVICE=cpu JOBS=1 OUT=$(mktemp -d) BUDGET_S=1800
    TARGETS=mentornet_mlp_vs_fused_torch MORE=record_vs_none_mlp SPEED_ARGS="--times 1"
    MINUTE_ARGS="--rows 256 --epochs 1 --batch-size 128 --goals 94"
    SEEDS_ARGS="--proof --precision fp32 --seeds 0"
fi
[ $# -gt 0 ] || set -- speed minute seeds more

mkdir -p "$OUT"
for file in speed minute seeds seeds-100; do
    [ "$OUT" -ef benchmarks/results ] || [ ! -e "benchmarks/results/$file.jsonl" ] || cp -n "benchmarks/results/$file.jsonl" "$OUT/"
done

# Run a part in what is left of the time, but at most in so many seconds.
part() {
    local left=$((BUDGET_S - TABLE_S - SECONDS)) most=$1
    shift
    if [ "$left" -lt 10 ]; then
        echo "no time is left for: $*"
        return
    fi
    echo "== $* (at $SECONDS s)"
    timeout --kill-after=5 "$((left < most ? left : most))" "$PYTHON" -m benchmarks "$@"
    local status=$?
    [ "$status" -eq 0 ] || FAILED="$FAILED $1:$status" # 124: cut off
}

FAILED=""
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null || echo "no GPU; device $DEVICE"
for name in "$@"; do
    # shellcheck disable=SC2086 # the options are several words
    case $name in
    speed) part 150 speed --device "$DEVICE" --keep --results "$OUT" --only $TARGETS $SPEED_ARGS ;;
    minute) part 150 minute --device "$DEVICE" --results "$OUT" $MINUTE_ARGS ;;
    seeds) part "$BUDGET_S" run --profile seeds --device "$DEVICE" --jobs "$JOBS" --results "$OUT" $SEEDS_ARGS ;;
    more) part 150 speed --device "$DEVICE" --keep --results "$OUT" --only $MORE $SPEED_ARGS ;;
    *) echo "gpu.sh: there is no part $name; there are speed, minute, seeds and more" >&2 && exit 2 ;;
    esac
done

echo "== tables (at $SECONDS s)"
[ ! -e "$OUT/speed.jsonl" ] || "$PYTHON" -m benchmarks speed --report --results "$OUT"
[ ! -e "$OUT/minute.jsonl" ] || "$PYTHON" -m benchmarks minute --report --results "$OUT"
[ ! -e "$OUT/seeds.jsonl" ] || "$PYTHON" -m benchmarks report --by-noise --profile seeds --results "$OUT" \
    --published MentorNet-DD MentorMix
echo "done at $SECONDS s${FAILED:+; did not end:$FAILED}"
[ -z "$FAILED" ]
