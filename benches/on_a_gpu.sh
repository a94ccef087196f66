#!/usr/bin/env bash
# Tests and measures Cytoshade on a machine with a GPU, which needs neither Rust nor a network there.
#
#   benches/on_a_gpu.sh prepare [FOLDER]   here: builds the programs and packs them into FOLDER, 64 MiB at most
#                                          (default: target/on_a_gpu)
#   FOLDER/on_a_gpu.sh run [RESULTS]       there: runs them in 8 minutes at most and writes a file for each part
#                                          into RESULTS (default: results)
#
# The parts: what the machine is; the tests of every stage and of the device on the GPU; each 3x3 kernel beside the
# device's own ceilings; the network of the published size in f32 and f16; the same in PyTorch, if it is installed; and
# images to labels. A part that fails or runs out of time does not stop the others; the exit status is that of the worst.
# CYTOSHADE_ON_A_GPU_DEVICE=software runs everything on a software adapter, to try the script itself.
set -euo pipefail

LIMIT_MIB=64
LIMIT_S=480

die() {
  echo "on_a_gpu.sh: $*" >&2
  exit 2
}

prepare() {
  local repository folder binaries
  repository=$(cd "$(dirname "$0")/.." && pwd)
  cd "$repository"
  local target=${CARGO_TARGET_DIR:-target}
  folder=${1:-$target/on_a_gpu}
  rm -rf "$folder"
  mkdir -p "$folder/payload/tests"
  cargo build --release --package cytoshade-cli --package cytoshade-benches \
    --bin cytoshade --bin conv_throughput --bin gpu_throughput
  cp "$target"/release/{cytoshade,conv_throughput,gpu_throughput} "$folder/payload/"
  # Cargo prints one JSON object a line, with the path of each test program.
  binaries=$(cargo test --package cytoshade-tests --test stages --test device --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
  for test in stages device; do
    cp "$(grep -- "/$test-[0-9a-f]*$" <<<"$binaries" | tail -1)" "$folder/payload/tests/$test"
  done
  strip "$folder"/payload/{cytoshade,conv_throughput,gpu_throughput} "$folder"/payload/tests/*
  # Tests look for their files in the checkout that they were built in.
  mkdir -p "$folder/payload/checkout/tests"
  echo "$repository" >"$folder/payload/repository"
  cp -r tests/fixtures "$folder/payload/checkout/tests/"
  cp -rL models "$folder/payload/checkout/"
  cp benches/pytorch_throughput.py "$folder/payload/"
  # A machine without Vulkan's loader may still have the driver.
  cp -L "$(ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*=> //p' | head -1)" "$folder/payload/libvulkan.so.1"
  tar --create --xz --file "$folder/payload.tar.xz" --directory "$folder" payload
  rm -r "$folder/payload"
  cp benches/on_a_gpu.sh "$folder/"
  local size
  size=$(du --summarize --block-size=1M "$folder" | cut -f1)
  [ "$size" -le "$LIMIT_MIB" ] || die "$folder has $size MiB, expected at most $LIMIT_MIB"
  echo "$folder has $size MiB; run $folder/on_a_gpu.sh run on the machine with the GPU"
}

# part NAME SECONDS COMMAND...: runs a command under a time limit, and no longer than all parts together may.
part() {
  local name=$1 seconds=$2 begin=$SECONDS status=0
  shift 2
  local left=$((LIMIT_S - SECONDS))
  [ "$seconds" -le "$left" ] || seconds=$left
  if [ "$seconds" -le 0 ]; then
    echo "$name: skipped, no time is left"
    worst=1
    return
  fi
  timeout --kill-after=5 "$seconds" "$@" >"$results/$name.txt" 2>&1 || status=$?
  case $status in
    0) echo "$name: done in $((SECONDS - begin)) s" ;;
    124 | 137) echo "$name: stopped after $seconds s" ;;
    *) echo "$name: failed with exit status $status after $((SECONDS - begin)) s" ;;
  esac
  [ "$status" = 0 ] || worst=1
}

# Segments a photograph five times in each precision; the traces have the times of the stages.
pipeline() {
  local precision round
  for precision in f32 f16; do
    for round in 1 2 3 4 5; do
      "$here/payload/cytoshade" segment "$here/payload/checkout/models/demo.png" --device "$device" \
        --precision "$precision" --output "$results/labels-$precision" --trace "$results/trace-$precision-$round.json" ||
        return
    done
  done
}

run() {
  here=$(cd "$(dirname "$0")" && pwd)
  mkdir -p "${1:-results}"
  results=$(cd "${1:-results}" && pwd)
  worst=0
  device=${CYTOSHADE_ON_A_GPU_DEVICE:-gpu}
  local software=() repository
  # A software adapter computes 16 tiles for minutes.
  [ "$device" = gpu ] || software=(--software --tiles 1 --rounds 1)
  tar --extract --xz --file "$here/payload.tar.xz" --directory "$here"
  local payload=$here/payload
  repository=$(cat "$payload/repository")
  if [ ! -e "$repository/tests/fixtures" ]; then
    mkdir -p "$(dirname "$repository")"
    ln -sfn "$payload/checkout" "$repository"
  fi
  if ! ldconfig -p | grep -q 'libvulkan\.so\.1'; then
    mkdir -p "$payload/loader"
    mv "$payload/libvulkan.so.1" "$payload/loader/"
    export LD_LIBRARY_PATH=$payload/loader${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
  part machine 30 "$payload/cytoshade" doctor
  part tests_of_stages 150 "$payload/tests/stages" ::gpu::
  part tests_of_the_device 60 "$payload/tests/device"
  part kernels 100 "$payload/conv_throughput" "${software[@]}"
  part network 80 "$payload/gpu_throughput" "${software[@]}"
  if python3 -c 'import torch' 2>/dev/null; then
    part pytorch 60 python3 "$payload/pytorch_throughput.py"
  else
    echo "pytorch: not installed"
  fi
  export -f pipeline
  export here results device
  part pipeline 60 bash -c pipeline
  echo "results in $results after $SECONDS s"
  exit "$worst"
}

case ${1:-} in
  prepare | run) "$@" ;;
  *) die "expected prepare or run; the head of the file describes them" ;;
esac
