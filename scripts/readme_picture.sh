#!/usr/bin/env bash
# Makes the picture of the README: a synthetic voice as `affekt plot` draws it.
# The same bytes on every machine of one kind, since the voice comes from a seed.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
affekt=(cargo run --quiet -p runner --)
"${affekt[@]}" synth "$folder/voices" --speakers 1 --takes 1 --seed 1
voice=$(find "$folder/voices" -name '03-01-05-*.wav' | sort | head -n 1)
"${affekt[@]}" plot "$voice" --out docs/pictures/recording.svg
