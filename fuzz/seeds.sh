#!/usr/bin/env bash
# Fills corpus/ with the seeds of every target: small files, the readers' fixtures and the hostile files. Keeps the inputs of
# earlier runs.
set -euo pipefail
cd "$(dirname "$0")"
model=../crates/cytoshade-model/tests/fixtures
images=../crates/cytoshade-formats/tests/fixtures
seg=../crates/cytoshade-formats/tests/seg
hostile=../tests/hostile

seed() { # TARGET FILE...: those of up to 64 kB
  local target=$1
  shift
  mkdir -p "corpus/$target"
  find "$@" -size -64k -exec cp -t "corpus/$target" {} +
}

seed safetensors seeds/*.safetensors $model/*.safetensors $hostile/*.safetensors
seed torch_zip seeds/*_zip.pth $model/zip*.pth $model/n*.pth $hostile/{zip,tensor,pickle}_*.pth
seed torch_legacy seeds/*_legacy.pth $model/legacy*.pth $hostile/legacy_*.pth $hostile/pickle_*_legacy.pth
seed torch_pickle seeds/*.pkl
seed onnx seeds/small*.onnx $model/*.onnx $hostile/*.onnx
seed size_model $model/size_model*.npy $hostile/size_*.npy
seed seg_npy $seg/*_seg.npy $hostile/seg_*.npy
seed npy $images/*.npy $hostile/npy_*.npy
seed tiff $images/*.tif $hostile/*.tif ../crates/cytoshade-formats/tests/codecs/*.tif
for format in bmp pnm webp jpeg2000 jpegxl; do
  seed $format ../crates/cytoshade-formats/tests/codecs/$format.*
done
seed png $images/*.png $hostile/*.png
seed jpeg $images/*.jpg $hostile/*.jpg
seed fetch seeds/fetch_*.txt
seed printable seeds/fetch_*.txt $hostile/*_control*
seed onnx_parts seeds/parts_*.onnx
seed model_from_bytes seeds/small*.{safetensors,pth,onnx} $model/{plain.safetensors,zip_deflated.pth,legacy_f16.pth,renamed_typed.onnx}
