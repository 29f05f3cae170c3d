#!/bin/sh
# Runs every system of docs/tutorial.md with seed 1 and writes its picture into
# docs/pictures/. What they print goes to target/tutorials/*.txt: the figures in
# the text come from there.
#
#     scripts/tutorial_pictures.sh
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
said=target/tutorials
mkdir -p docs/pictures "$said"

cargo build --quiet --workspace --bins --examples
for name in gates next_number many_to_one sine_to_cosine stateful_sine \
    binary_subtraction variants; do
    "$target/debug/examples/$name" --out docs/pictures | tee "$said/$name.txt"
done

"$target/debug/affekt" synth "$said/voices"
"$target/debug/examples/emotion_sequence" "$said/voices" \
    --out docs/pictures | tee "$said/emotion_sequence.txt"
