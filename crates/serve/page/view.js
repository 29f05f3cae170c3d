// What is seen of the live session: the large word, the bars, the meters, what was said.

import { emotion, onLanguage, t } from './texts.js';
import { $, clock, element, onScheme, percent, say, token } from './ui.js';
import { colour, ink, known } from './colours.js';

const RUNNING = new Set(['listening', 'playing', 'lost']);
const SHOWN = 60; // utterances in the list; all of them are in the exports
// A screen reader must be able to finish a word before the next one comes.
const ANNOUNCE_EVERY = 1500;

let current = null; // the session
let last = null; // the newest measurement
let rows = new Map();
let announced = null;
let announceTimer = 0;
let announcedAt = 0;

export function setup(session) {
  current = session;
  fresh(session);
  onLanguage(() => {
    bars();
    if (last) { verdict(last); values(last); }
    list();
    state(current);
  });
  onScheme(() => { paintBars(); if (last) verdict(last); list(); });
}

export function fresh(session) {
  last = null;
  announced = null;
  document.body.dataset.utterances = '[]';
  document.body.dataset.labels = '[]';
  bars();
  list();
  named(session);
  unsettled();
}

export function state(session) {
  say($('status'), session.state);
  $('dot').className = `dot ${session.state}`;
  const idle = session.state === 'idle';
  const focused = document.activeElement;
  // Stop is as wide as start was, so that its neighbour stays where it is.
  if (!idle && !$('start').hidden) $('stop').style.minWidth = `${$('start').offsetWidth}px`;
  $('start').hidden = !idle;
  $('stop').hidden = idle;
  $('stop').disabled = session.state === 'closing';
  $('example').disabled = !idle;
  // A button that vanishes must not take the focus with it.
  if (focused === $('start') && !idle) $('stop').focus();
  if ((focused === $('stop') || focused === document.body) && idle && last) $('start').focus({ preventScroll: true });
  $('reset').disabled = !RUNNING.has(session.state);
  $('enrol-keep').disabled = !RUNNING.has(session.state);
  $('export-csv').disabled = !session.measurements.length;
  $('export-vtt').disabled = !session.utterances.length;
  if (!last) say($('verdict'), idle ? 'pressStart' : session.state);
}

export function named(session) {
  $('session').textContent = session.name || '–';
  const query = new URLSearchParams();
  if (session.name) query.set('session', session.name);
  if (token) query.set('token', token);
  $('wall').href = query.size ? `wall?${query}` : 'wall';
  const labels = session.labels.length ? session.labels : known();
  if (labels.join('\n') !== [...rows.keys()].join('\n')) bars();
}

export function offerModels(models) {
  const select = $('model');
  const chosen = select.value;
  select.replaceChildren(element('option', { value: '', 'data-t': 'modelDefault' }, t('modelDefault')),
    ...models.map((name) => element('option', { value: name }, name)));
  select.value = models.includes(chosen) ? chosen : '';
}

// ---- the bars -----------------------------------------------------------------------------

function bars() {
  rows = new Map();
  const labels = current.labels.length ? current.labels : known();
  $('bars').replaceChildren(...labels.map((label) => {
    const fill = element('span', { class: 'fill' });
    const value = element('span', { class: 'value' }, '–');
    const row = element('li', {}, element('span', { class: 'bar-name' }, emotion(label)),
      element('span', { class: 'track' }, fill), value);
    rows.set(label, { row, fill, value });
    return row;
  }));
  paintBars();
  if (last) fillBars(last);
}

function paintBars() {
  for (const [label, { fill }] of rows) fill.style.backgroundColor = ink(label);
}

function fillBars(m) {
  for (const [label, { row, fill, value }] of rows) {
    const p = m?.probabilities[label] || 0;
    fill.style.transform = `scaleX(${p.toFixed(3)})`;
    value.textContent = m ? percent(p) : '–';
    row.classList.toggle('leads', Boolean(m) && label === m.label);
  }
}

// ---- a measurement ------------------------------------------------------------------------

export function measurement(session, m, message) {
  last = m;
  document.body.dataset.labels = JSON.stringify(session.distinct);
  fillBars(m);
  verdict(m);
  values(m);
  say($('adapted'), message.adapted ? 'adapted' : 'notAdapted');
  const late = [];
  if (message.lag > 0.5) late.push(t('lag', { n: message.lag.toFixed(1) }));
  if (message.dropped > 0) late.push(t('dropped', { n: message.dropped.toFixed(1) }));
  $('lag').textContent = late.join(', ');
  $('export-csv').disabled = false;
}

function inWords(m) {
  switch (m.verdict) {
    case 'no_speech': return t('verdictNoSpeech');
    case 'too_little': return t('verdictTooLittle');
    case 'unfamiliar': return t('verdictUnfamiliar');
    case 'label': if (m.label) return t('verdictLabel', { label: emotion(m.label), percent: percent(m.probabilities[m.label] || 0) });
    // A verdict that this page does not know is treated as unsure.
    // falls through
    default: {
      const [best] = Object.entries(m.probabilities).sort((a, b) => b[1] - a[1]);
      return best && best[1] >= 0.2
        ? t('verdictUnsure', { label: emotion(best[0]), percent: percent(best[1]) }) : t('verdictUnsureBare');
    }
  }
}

function verdict(m) {
  const word = $('label');
  word.textContent = m.label ? emotion(m.label) : '–';
  word.classList.toggle('none', !m.label);
  word.style.color = m.label ? ink(m.label) : '';
  $('hero').style.setProperty('--tint', m.label ? colour(m.label) : 'transparent');
  const line = $('verdict');
  delete line.dataset.t;
  line.textContent = inWords(m);
  document.title = m.label ? `${emotion(m.label)} · Affekt` : 'Affekt';
  announce(m);
}

// Spoken when the label changes, never with each measurement.
function announce(m) {
  const what = m.label || m.verdict;
  if (what === announced) { clearTimeout(announceTimer); return; }
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => {
    announced = what;
    announcedAt = performance.now();
    $('announce').textContent = inWords(m);
  }, Math.max(0, announcedAt + ANNOUNCE_EVERY - performance.now()));
}

function values(m) {
  $('level').textContent = Number.isFinite(m.level) ? t('decibel', { n: Math.round(m.level) }) : '–';
  $('pitch').textContent = m.pitch ? t('hertz', { n: Math.round(m.pitch) }) : '–';
  const mark = $('pitch-mark');
  mark.classList.toggle('on', Boolean(m.pitch));
  // 60 to 600 Hz on a scale of octaves, as ears hear it.
  if (m.pitch) mark.style.transform = `translateX(${(100 * Math.min(1, Math.max(0, Math.log2(m.pitch / 60) / Math.log2(10)))).toFixed(1)}%)`;
}

// The level at once, from the sound itself: a microphone that is off is noticed here.
export function loudness(block) {
  let sum = 0;
  for (const v of block) sum += v * v;
  const db = 10 * Math.log10(sum / block.length + 1e-9);
  $('level-fill').style.transform = `scaleX(${Math.min(1, Math.max(0, (db + 60) / 60)).toFixed(3)})`;
}

// Nothing is heard at present: the meters rest, the last answer goes.
export function unsettled() {
  const line = $('verdict');
  $('label').textContent = '–';
  $('label').classList.add('none');
  $('label').style.color = '';
  $('hero').style.setProperty('--tint', 'transparent');
  $('level-fill').style.transform = 'scaleX(0)';
  $('pitch-mark').classList.remove('on');
  for (const id of ['level', 'pitch']) $(id).textContent = '–';
  fillBars(null);
  say($('adapted'), 'notAdapted');
  $('lag').textContent = '';
  clearTimeout(announceTimer);
  $('announce').textContent = '';
  document.title = 'Affekt';
  last = null;
  say(line, current.state === 'idle' ? 'pressStart' : current.state);
}

// ---- what was said ------------------------------------------------------------------------

export function utterance(session, piece) {
  document.body.dataset.utterances = JSON.stringify(session.utterances.map((u) => u.label ?? null));
  $('export-vtt').disabled = false;
  const list_ = $('said');
  list_.querySelector('.empty')?.remove();
  list_.prepend(line(piece));
  while (list_.children.length > SHOWN) list_.lastChild.remove();
}

function line(piece) {
  const chip = element('span', { class: 'chip' });
  if (piece.label) chip.style.backgroundColor = ink(piece.label);
  const p = piece.label && piece.probabilities?.[piece.label];
  return element('li', {}, chip,
    element('span', { class: 'said-time' }, `${clock(piece.start)}–${clock(piece.end)}`),
    element('strong', {}, piece.label ? emotion(piece.label) : t('noLabel')),
    element('span', { class: 'said-sure' }, [p ? percent(p) : '', piece.new_voice ? t('newVoice') : ''].filter(Boolean).join(', ')));
}

function list() {
  const pieces = current.utterances.slice(-SHOWN).reverse();
  $('said').replaceChildren(...(pieces.length ? pieces.map(line) : [element('li', { class: 'empty' }, t('noUtterance'))]));
}
