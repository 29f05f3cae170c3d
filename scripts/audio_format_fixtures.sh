#!/usr/bin/env bash
# Writes crates/audio/tests/fixtures/formats: the same tenth of a second as every
# kind of file that the audio crate reads; and to fixtures/decoded what ffmpeg
# decodes the lossy ones to (NAME.s16: 16-bit, little-endian, channels interleaved).
#
# Needs ffmpeg with libmp3lame, libvorbis and libopus (Debian's has them).
set -euo pipefail
cd "$(dirname "$0")/../crates/audio/tests/fixtures/formats"
mkdir -p ../decoded
rm -f -- * ../decoded/*

encode() { ffmpeg -hide_banner -loglevel error -nostdin -y -bitexact "$@"; }

# A voice-like sound: a gliding fundamental with four harmonics, swelling; the
# right channel has another pitch, so that channels cannot be mistaken.
voice() {
  local f0=$1
  echo "0.5*sin(PI*t/0.1)*(sin(2*PI*($f0*t+200*t*t))+0.5*sin(4*PI*($f0*t+200*t*t))+0.25*sin(6*PI*($f0*t+200*t*t))+0.125*sin(8*PI*($f0*t+200*t*t)))*0.5"
}
encode -f lavfi -i "aevalsrc='$(voice 140)':s=16000:d=0.1" -c:a pcm_s16le mono.wav
encode -f lavfi -i "aevalsrc='$(voice 140)|$(voice 230)':s=16000:d=0.1" -c:a pcm_s16le stereo.wav

lossless() { encode -i mono.wav "$@"; }
lossless -c:a pcm_s16le -rf64 always rf64.wav
lossless -c:a pcm_s16be aiff_s16be.aiff
lossless -c:a pcm_s16le aifc_sowt.aiff
lossless -c:a pcm_f32be aifc_f32.aiff
lossless -c:a pcm_s16le caf_s16le.caf
lossless -c:a alac caf_alac.caf
lossless -c:a alac -f ipod mp4_alac.m4a
lossless -c:a flac ogg_flac.ogg
lossless -c:a flac mkv_flac.mkv
lossless -c:a pcm_s16le mkv_pcm.mkv

lossy() { # NAME SOURCE OPTIONS...
  local name=$1 source=$2
  shift 2
  encode -i "$source.wav" "$@" "$name"
  # ffmpeg's own Opus decoder resamples in its own way; libopus is the reference.
  local decoder=()
  case $name in *opus*) decoder=(-c:a libopus) ;; esac
  encode "${decoder[@]}" -i "$name" -f s16le "../decoded/$name.s16"
}
lossy alaw.wav mono -c:a pcm_alaw
lossy mulaw.wav mono -c:a pcm_mulaw
lossy adpcm_ms.wav mono -c:a adpcm_ms -block_size 256
lossy adpcm_ms_stereo.wav stereo -c:a adpcm_ms -block_size 512
lossy adpcm_ima.wav mono -c:a adpcm_ima_wav -block_size 256
lossy adpcm_ima_stereo.wav stereo -c:a adpcm_ima_wav -block_size 512
lossy aifc_alaw.aiff mono -c:a pcm_alaw
lossy layer3.mp3 stereo -c:a libmp3lame -b:a 32k
lossy layer2.mp2 mono -c:a mp2 -b:a 32k
lossy mp3_in_wav.wav mono -c:a libmp3lame -b:a 24k -write_xing 0
lossy vorbis.ogg stereo -c:a libvorbis -q:a 0
lossy opus.ogg mono -c:a libopus -b:a 16k
lossy opus_stereo.opus stereo -c:a libopus -b:a 24k
lossy aac.m4a stereo -c:a aac -b:a 32k -f ipod
lossy adts.aac mono -c:a aac -b:a 24k
lossy opus.webm mono -c:a libopus -b:a 16k
lossy vorbis.webm mono -c:a libvorbis -q:a 0
lossy aac.mkv mono -c:a aac -b:a 24k
lossy opus.mp4 mono -c:a libopus -b:a 16k
