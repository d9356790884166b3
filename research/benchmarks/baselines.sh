#!/usr/bin/env bash
# Measures prior, abstaining prior, shipped weights and oracle in every scene.
#
#   SEEDS=5 WORKERS=2 research/benchmarks/baselines.sh          everything, as published (`make results`)
#   TIERS=highest research/benchmarks/baselines.sh              the highest point, too
#   PASSES="1 3 5" PILES="train=4 test1=2 test2=1 test3=1 heldout=9" research/benchmarks/baselines.sh
#
# Works in passes of more and more seeds, so that an interrupted run has measured a little of
# everything. Finished piles are kept: run it again to go on.
set -euo pipefail
cd "$(dirname "$0")/../.."

SEEDS=${SEEDS:-5}
PASSES=${PASSES:-$(seq -s ' ' "$SEEDS")}
WORKERS=${WORKERS:-2}
OUTPUT=${OUTPUT:-output/baselines}
PILES=${PILES:-train=4 test1=3 test2=2 test3=2 heldout=9}  # per seed
WEAK=${WEAK:-2}  # times as many piles for rules that soon reach the cap, for as many attempts
CELLS=${CELLS:-realistic adverse}
TIERS=${TIERS:-learned,prior_abstaining,prior,oracle}
export MUJOCO_GL=${MUJOCO_GL:-egl} OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 LP_NUM_THREADS=0

jobs_of_pass() {
  local seeds=$1 tier cell scene policy piles
  for tier in $TIERS; do
    for cell in $CELLS; do
      for scene in $PILES; do
        [[ $cell == adverse && $scene != train=* ]] && continue
        for policy in ${tier//,/ }; do
          piles=${scene#*=}
          # A quarter of the objects there is porous and no attempt of an oracle.
          [[ $cell == adverse ]] && piles=$((piles * 7 / 4))
          [[ $policy == highest ]] && piles=$((piles * WEAK))
          echo "--policy $policy --hardness $cell --scene ${scene%=*} --seeds 0:$seeds" \
            "--clearances $piles --output $OUTPUT/$cell-${scene%=*}-$policy.json --resume --rows"
        done
      done
    done
  done
}

mkdir -p "$OUTPUT"
for seeds in $PASSES; do
  jobs_of_pass "$seeds" | xargs -P "$WORKERS" -L 1 python -m grasp_affordance.cli evaluate
done
python -m research baselines "$OUTPUT"
python -m research report
