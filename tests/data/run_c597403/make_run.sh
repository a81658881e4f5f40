#!/bin/sh
# Makes the files of this folder again. The programs of commit c597403 must be first on PATH:
#   PATH=OLD_BUILD/apps:$PATH tests/data/run_c597403/make_run.sh OUT
set -eu
mkdir -p "$1"
cd "$1"
flags="--progress none --report false"
salutrain --dataset shapes --img-size 4 --model cnn4 --train-num-samples 96 --val-num-samples 40 --batch-size 16 \
  --epochs 3 --opt sgd --lr 0.05 --smoothing 0.1 --mixup 0.2 --aa rand-m9-mstd0.5 --reprob 0.25 --clip-grad 1 \
  --log-interval 1 --max-steps 4 --output run $flags
saluevaluate run --json >scores.json
cp -a run whole
salutrain --resume whole $flags
cp whole/last/model.safetensors final.safetensors
rm -r whole
python3 - <<'END'
import hashlib, json
start = json.load(open("run/environment.json"))["starts"][0]
scores = json.load(open("scores.json"))
expected = {
    "machine": {"loops": start["loops"], "oneDNN": start["libraries"]["oneDNN"]},
    "cpu": start["cpu"],
    "sha256": hashlib.sha256(open("final.safetensors", "rb").read()).hexdigest(),
    "scores": {key: scores[key] for key in ("model", "split", "samples", "top1", "top5", "loss", "ece", "f1")}}
json.dump(expected, open("expected.json", "w"), indent=2)
END
rm scores.json
