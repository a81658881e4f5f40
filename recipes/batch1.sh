#!/bin/sh
# Batch size 1 on real images: salunet_c20 against resnet20 with batch norm, and both at batch 50 as a control.
#   recipes/batch1.sh DATA_DIR OUTPUT_DIR
set -eu
data=$1
out=$2
train="$(dirname "$0")/../build/apps/salutrain"
run() {
  name=$1
  shift
  "$train" --dataset folder --data-dir "$data" --train-num-samples 5000 --val-num-samples 2000 --epochs 3 --threads 1 \
    --workers 1 --progress none --output "$out/$name" "$@"
}
# Two at a time: each on one thread.
run salunet_c20_b1 --model salunet_c20 --batch-size 1 &
run resnet20_b1 --model resnet20 --batch-size 1
wait
run salunet_c20_b50 --model salunet_c20 --batch-size 50 &
run resnet20_b50 --model resnet20 --batch-size 50
run resnet20_adamw_b1 --model resnet20 --opt adamw --lr 0.00018 --batch-size 1
wait
