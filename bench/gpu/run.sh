#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole measurement on a machine with a GPU, in less than ten minutes: is it right, how fast is the machine, how fast
# are the kernels, the candidates for fusion and the networks, ours beside PyTorch's.
#
#   OUT=FOLDER bench/gpu/run.sh [PART...]        parts: machine correct kernels own peers kernels_peer
#                                                           sanitizer fused first
#
# Each part has its own time-out and writes its own file, so that a late failure loses nothing; parts for which there is
# no time left (LIMIT seconds in all, 570 by default; of them PEER_SECONDS, 170, for PyTorch's networks,
# CORRECT_SECONDS, 110, for `correct`, and OWN_SECONDS, 50, for `own`) are named. summary.txt ends with the table of ratios.
# In an archive of pack.sh everything is where it belongs; in a source tree, BUILD is the build folder.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
# Looked for once here, not by each program.
# shellcheck source=/dev/null
if [ -f "$root/env.sh" ]; then . "$root/env.sh"; fi
out=${OUT:-$PWD/gpu-results}
python=${PYTHON:-python3}
limit=${LIMIT:-570}
mkdir -p "$out"
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$(mktemp -d)} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

# One folder with all programs, as correct.py wants it.
bin=$root/bin
if [ ! -d "$bin" ]; then
  bin=$(mktemp -d)
  ln -s "$build"/apps/salutrain "$build"/bench/bench_* "$build"/tests/test_cuda_*_gpu "$bin/"
fi

# part NAME SECONDS COMMAND...: runs it, and leaves one line in summary.txt.
part() {
  local name=$1 seconds=$2 status start=$SECONDS left=$((limit - SECONDS))
  shift 2
  [[ " $wanted " == *" $name "* ]] || return 0
  if ((left < 5)); then
    echo "$name: not run: no time left" | tee -a "$out/summary.txt"
    return 0
  fi
  ((seconds <= left)) || seconds=$left
  echo "== $name, at most $seconds s" >>"$out/log.txt"
  status=0
  timeout --kill-after=5 "$seconds" "$@" > >(tee -a "$out/log.txt") 2>&1 || status=$?
  case $status in
    0) echo "$name: ok, $((SECONDS - start)) s" ;;
    75) echo "$name: not finished in $seconds s; nothing failed by then" ;;
    77) echo "$name: skipped: what it needs is not here" ;;
    124 | 137) echo "$name: cut off after $seconds s; what it had measured by then is in its file" ;;
    *) echo "$name: FAILED with exit code $status, $((SECONDS - start)) s" ;;
  esac | tee -a "$out/summary.txt"
}

describe() {
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv,noheader || true
  "$python" -c 'import torch; print("PyTorch", torch.__version__, "cuDNN", torch.backends.cudnn.version())' || true
  "$bin/bench_fused" --describe >"$out/machine.json" || return
  "$bin/salutrain" --check --device cuda
}
peer_kernels() { "$python" "$here/../peer/kernels_peer.py" >"$out/kernels_peer.json"; }
export -f describe peer_kernels
export bin here out python

# Without names: all but `first`, for which ten minutes are too short.
wanted=${*:-machine correct kernels own peers kernels_peer sanitizer fused}
peer_seconds=${PEER_SECONDS:-170}
correct_seconds=${CORRECT_SECONDS:-110}
own_seconds=${OWN_SECONDS:-50}
: >"$out/summary.txt"
: >"$out/log.txt"
SECONDS=0
part machine 20 bash -c describe
part correct "$correct_seconds" "$python" "$here/correct.py" --bin "$bin" --json "$out/correct.json" \
  --seconds $((correct_seconds - 5))
part kernels 90 "$bin/bench_kernels" --json "$out/kernels.json"
part own "$own_seconds" "$python" "$here/networks.py" --salutrain "$bin/salutrain" --only own --json "$out/own.json" \
  --seconds $((own_seconds - 5))
part peers "$peer_seconds" "$python" "$here/networks.py" --salutrain "$bin/salutrain" --only peers --json "$out/peers.json" \
  --seconds $((peer_seconds - 5))
part kernels_peer 20 bash -c peer_kernels
part sanitizer 50 "$python" "$here/correct.py" --bin "$bin" --sanitizer --json "$out/sanitizer.json" --seconds 45
part fused 60 "$bin/bench_fused" --json "$out/fused.json"
part first 150 "$python" "$here/networks.py" --salutrain "$bin/salutrain" --only first --json "$out/first.json" --seconds 145

# Few files travel more easily than many.
cat "$out"/own.json "$out"/peers.json "$out"/first.json 2>/dev/null >"$out/networks.json"
cat "$out"/sanitizer.json 2>/dev/null >>"$out/correct.json"
rm -f "$out"/own.json "$out"/peers.json "$out"/first.json "$out"/sanitizer.json
results=()
for file in correct kernels networks kernels_peer fused; do
  [ ! -s "$out/$file.json" ] || results+=("$out/$file.json")
done
status=0
if ((${#results[@]} > 0)); then
  { echo; "$python" "$here/table.py" "${results[@]}" || status=$?; } > >(tee -a "$out/summary.txt")
  wait
fi
! grep -q FAILED "$out/summary.txt" || status=1
exit "$status"
