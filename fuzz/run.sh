#!/usr/bin/env bash
# Runs targets one after the other, MINUTES each: ./run.sh MINUTES TARGET...
# Finds are written to artifacts/TARGET; the target then continues for the rest of its time.
set -uo pipefail
cd "$(dirname "$0")"
minutes=$1
shift
declare -A dictionary=(
  [torch_zip]=torch [torch_legacy]=torch [torch_pickle]=torch [size_model]=numpy_pickle [seg_npy]=numpy_pickle
  [onnx]=onnx [onnx_parts]=onnx [safetensors]=safetensors [npy]=npy [model_from_bytes]=onnx
)
for target in "$@"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  options=(-rss_limit_mb=768 -malloc_limit_mb=256 -timeout=10 -print_final_stats=1 "-artifact_prefix=artifacts/$target/")
  if [ -n "${dictionary[$target]:-}" ]; then
    options+=("-dict=dictionaries/${dictionary[$target]}.dict")
  fi
  end=$((SECONDS + minutes * 60))
  while [ $((end - SECONDS)) -gt 20 ]; do
    nice -n 19 cargo +nightly fuzz run "$target" -- "${options[@]}" "-max_total_time=$((end - SECONDS))" || sleep 1
  done
done
