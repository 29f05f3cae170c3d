// CSV and WebVTT, made in the browser: nothing has to be sent again.

import { emotion, t } from './texts.js';
import { element, percent } from './ui.js';

const field = (value) => {
  const text = value == null ? '' : String(value);
  // A spreadsheet would run a text that begins like a formula.
  const safe = /^[=+@\t]|^-[^\d.]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};

const rounded = (value, digits) => (Number.isFinite(value) ? Number(value.toFixed(digits)) : '');

function csv(head, rows) {
  return [head, ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

// Labels stay as the model says them, so that programs find the same words in any language.
export function measurementsCsv(measurements, labels) {
  const head = ['start', 'end', 'label', 'verdict', 'speech', 'unfamiliarity', 'level_db', 'pitch_hz', ...labels];
  return csv(head, measurements.map((m) => [
    rounded(m.start, 3), rounded(m.end, 3), m.label, m.verdict, m.speech ? 1 : 0,
    rounded(m.unfamiliarity, 3), rounded(m.level, 1), rounded(m.pitch, 1),
    ...labels.map((label) => rounded(m.probabilities?.[label], 4)),
  ]));
}

export function segmentsCsv(segments, labels) {
  const head = ['start', 'end', 'label', 'verdict', 'speech', 'unfamiliarity', ...labels];
  return csv(head, segments.map((s) => [
    rounded(s.start, 3), rounded(s.end, 3), s.label, s.verdict, s.speech ? 1 : 0,
    rounded(s.unfamiliarity, 3), ...labels.map((label) => rounded(s.probabilities?.[label], 4)),
  ]));
}

function stamp(seconds) {
  const ms = Math.max(0, Math.round(1000 * seconds));
  const two = (n) => String(n).padStart(2, '0');
  return `${two(Math.floor(ms / 3600000))}:${two(Math.floor(ms / 60000) % 60)}:`
    + `${two(Math.floor(ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}

// Subtitles are for people: the words are in the language of the page. `<`, `&` and `-->`
// would be read as markup.
const plain = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

export function vtt(pieces) {
  const cues = pieces
    // A cue that ends when it begins is an error in WebVTT.
    .filter((p) => Math.round(1000 * p.end) > Math.round(1000 * p.start))
    .map((p, i) => `${i + 1}\n${stamp(p.start)} --> ${stamp(p.end)}\n${plain(caption(p))}\n`);
  return ['WEBVTT\n', ...cues].join('\n');
}

function caption(piece) {
  if (!piece.label) return t('noLabel');
  const p = piece.probabilities?.[piece.label];
  const word = emotion(piece.label);
  return Number.isFinite(p) ? t('verdictLabel', { label: word, percent: percent(p) }) : word;
}

export function download(name, type, text) {
  // The mark at the start tells spreadsheets that a CSV is UTF-8.
  const parts = type === 'text/csv' ? ['\ufeff', text] : [text];
  const url = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
