#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds for a GPU that is on another machine, and packs what is needed there into one archive.
#
#   bench/gpu/pack.sh OUT.tar.xz [BUILD_FOLDER]       there:  tar -xf OUT.tar.xz && salunet-gpu/bench/gpu/run.sh
#
# Machine code for sm_90a (H100, H200) and sm_80 (A100), with the CUDA runtime linked in. The C library, the driver, and
# CUDA's own libraries stay out: env.sh finds those on the other machine, in a toolkit or in Python's nvidia packages.
# Names in bin/ start the program with these libraries, and with no effect on other programs.
# GPU_ARCH names other GPUs, as -Dgpu_arch does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ $# -ge 1 && $1 == *.tar.xz ]] || { echo "usage: pack.sh OUT.tar.xz [BUILD_FOLDER]" >&2; exit 2; }
archive=$1
build=${2:-build-gpu}
if [ ! -f "$build/build.ninja" ]; then
  meson setup "$build" -Dcuda=enabled -Dgpu_arch="${GPU_ARCH:-80,90a}" >/dev/null
fi
programs=(apps/salutrain apps/saluevaluate bench/bench_kernels bench/bench_fused)
while read -r target; do programs+=("$target"); done < <(ninja -C "$build" -t targets all | grep -o '^tests/test_cuda_[a-z0-9_]*_gpu')
nice ninja -C "$build" -j"${JOBS:-$(nproc)}" "${programs[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=$work/salunet-gpu
mkdir -p "$top/bin" "$top/programs" "$top/lib" "$top/bench"
stays='^(linux-vdso|ld-linux|libc|libm|libdl|libpthread|librt|libcuda|libcudart|libcublas|libcublasLt|libcudnn|libnvrtc|libnvJitLink)[._-]'
for program in "${programs[@]}"; do
  strip -o "$top/programs/$(basename "$program")" "$build/$program"
  ln -s ../launch "$top/bin/$(basename "$program")"
  ldd "$build/$program" | awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | while read -r name path; do
    [[ $name =~ $stays ]] || cp -Ln "$path" "$top/lib/$name"
  done
done
cp -r bench/gpu bench/peer "$top/bench/"
rm -rf "$top"/bench/*/__pycache__
cp LICENSE "$top/"
cat >"$top/env.sh" <<'ENV'
# Source it: where our programs find their libraries, the packed ones first, then CUDA's, wherever this machine has them.
packed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python_packages=$("${PYTHON:-python3}" -c 'import site, sys; print(*site.getsitepackages(), sep="\n")' 2>/dev/null)
cuda_folders=$(for library in 'libcudnn.so.9' 'libcublasLt.so.1[0-9]' 'libnvrtc.so.1[0-9]'; do
  # shellcheck disable=SC2086
  find -L $(for p in $python_packages; do [ ! -d "$p/nvidia" ] || echo "$p/nvidia"; done) \
    $(ls -d /usr/local/cuda*/lib64 /usr/lib/x86_64-linux-gnu 2>/dev/null) -name "$library" 2>/dev/null |
    head -n 1 | xargs -r dirname
done | sort -u | paste -sd:)
export SALU_LIBRARY_PATH="$packed/lib${cuda_folders:+:$cuda_folders}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
ENV
cat >"$top/launch" <<'LAUNCH'
#!/usr/bin/env bash
# What every name in bin/ links to. The packed libraries are for our programs alone: PyTorch comes with its own.
top=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${SALU_LIBRARY_PATH:-}" ] || . "$top/env.sh"
LD_LIBRARY_PATH=$SALU_LIBRARY_PATH exec "$top/programs/$(basename "$0")" "$@"
LAUNCH
chmod +x "$top/launch"
# All programs hold the same kernels: with a dictionary larger than a program they are stored once.
tar -C "$work" --owner=0 --group=0 -cf - salunet-gpu | xz -T1 --lzma2=preset=6,dict=64MiB >"$archive"
du -h "$archive"
