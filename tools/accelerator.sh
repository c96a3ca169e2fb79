#!/bin/bash
# Trains the spatial faces on a machine with a GPU that gets 64 MiB and has no network.
#
#   tools/accelerator.sh pack FACES CLASSIFIER [START]   here: what travels, into .device/
#   tools/accelerator.sh train [MINUTES]                 there: both phases, the model into $OUT
#   tools/accelerator.sh back FOLDER MODEL               here: the files of FOLDER, as a model
#
# CLASSIFIER is runs/judges/perceptual.safetensors of `python benchmarks/judges.py FACES`, START a
# model folder whose weights the training begins with. `pack` takes the models of the box out of
# the working tree, since tracked files travel; `back` puts them in again (also alone, without
# arguments). Between the two, in the session that has the machine:
#
#   run(command="bash tools/accelerator.sh train 8", carry=[".device"], timeout_s=600)
#
# MINUTES (8) are those of the training; unpacking and the prior take about one more. On another
# machine or in small: LIMIT (faces), WORK (a scratch folder), SET (more --set options).
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-help}
travels=.device

case $what in
pack)
    faces=$2 classifier=$3 start=${4:-}
    grep -qxs "/$travels/" .git/info/exclude 2>/dev/null ||
        echo "/$travels/" >>"$(git rev-parse --git-path info/exclude)"
    rm -rf $travels && mkdir -p $travels/wheels
    python -m tools.face_sheets pack "$faces" $travels/sheets --limit "${LIMIT:-0}"
    cp "$classifier" $travels/perceptual.safetensors
    if [ -n "$start" ]; then
        mkdir $travels/start && cp "$start"/{config.json,weights.safetensors} $travels/start/
    fi
    # The machine has torch, lightning and Pillow; of what is needed, only pydantic is missing.
    python -m pip download -q --only-binary=:all: --python-version 3.12 --implementation cp \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        -d $travels/wheels pydantic
    if [ -z "${KEEP_MODELS:-}" ]; then
        git sparse-checkout set --no-cone '/*' '!/seqvae/models/*' '!/facevae/models/*'
    fi
    size=$(($(git ls-files -coz --exclude-standard | xargs -0 du -kc 2>/dev/null | tail -1 | cut -f1) +
        $(du -ks $travels | cut -f1)))
    echo "$((size / 1024)) MiB travel; at most 64"
    test "$size" -lt 65536
    ;;
train)
    minutes=${2:-8} out=${OUT:?the folder whose files come back} work=${WORK:-/tmp/faces}
    export PYTHONPATH=$PWD:/tmp/site PYTHONUNBUFFERED=1
    if ! python3 -c 'import pydantic' 2>/dev/null; then
        python3 -m pip install -q --no-index --no-compile --no-cache-dir --no-deps \
            --target /tmp/site $travels/wheels/*.whl
    fi
    python3 -m tools.face_sheets unpack $travels/sheets "$work/faces"
    # What chooses among draws takes minutes on CPU: it is fitted at home, see `back`.
    common=(--preset faces_64 --device "${DEVICE:-auto}" --set architecture.realism=0
        --set "adversary.classifier=$PWD/$travels/perceptual.safetensors"
        --set prior.groups=16 --set prior.width=256 --set prior.steps=6000
        --set training.max_steps=1000000 --set "training.batch_size=${BATCH:-256}" ${SET:-})
    from=()
    if [ -d $travels/start ]; then from=(--from $travels/start); fi
    share() { python3 -c "print($minutes * $1)"; }
    # The likelihood and the perceptual loss; then its codes get their flow.
    python3 -m facevae.cli train "$work/faces" "${common[@]}" "${from[@]}" \
        --set adversary.begin_step=1000000 --minutes "$(share 0.55)" -o "$work/first"
    # Decoder and critic, which sees middles and draws of that flow. The encoder rests, so the codes
    # and their flow stay as they are.
    python3 -m facevae.cli train "$work/faces" "${common[@]}" --from "$work/first" \
        --set adversary.begin_step=0 --set "adversary.drawn_from=$work/first/prior.safetensors" \
        --set prior.steps=1 --minutes "$(share 0.45)" -o "$work/second"
    cp "$work"/second/{weights.safetensors,config.json,recipe.yaml} "$work"/first/prior.safetensors \
        "$out"/
    ls -l "$out"
    ;;
back)
    git sparse-checkout disable
    rm -rf $travels
    if [ $# -gt 2 ]; then
        mkdir -p "$3" && cp "$2"/* "$3"/ && chmod u+w "$3"/*
        echo "now: python benchmarks/face_edits.py FACES $3 --ways --save $3, then face_space.py"
        echo "to keep it: train --from $3 --minutes 0.01, with what chooses among its draws"
    fi
    ;;
*)
    sed -n '2,17s/^# \{0,1\}//p' "$0"
    ;;
esac
