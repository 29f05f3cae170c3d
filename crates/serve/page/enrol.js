// "Enrol my voice in twenty seconds", and the voices that the server knows.

import { onLanguage, t } from './texts.js';
import { $, ask, element, notify } from './ui.js';
import { Sound, secure } from './microphone.js';
import { busy, keepVoice, onSaved } from './live.js';

const SECONDS = 20;
const NAME = /^[\p{L}\p{N} _-]+$/u;
let recording = null;
let speakers = [];
let message = null; // [key, values], so that it follows the language

export function setup() {
  $('enrol-form').addEventListener('submit', (event) => { event.preventDefault(); record(); });
  $('enrol-cancel').addEventListener('click', () => { recording?.cancel(); });
  $('enrol-keep').addEventListener('click', () => {
    const name = validName();
    if (name) keepVoice(name);
  });
  $('speaker').addEventListener('change', list);
  onSaved(async ({ name, seconds }) => {
    tell('keepDone', { name, n: Math.round(seconds) });
    await load();
  });
  onLanguage(() => { list(); if (message) tell(...message); $('enrol-text').textContent = t('enrolText'); });
  load();
}

function tell(key, values = {}) {
  message = key ? [key, values] : null;
  $('enrol-message').textContent = key ? t(key, values) : '';
}

function validName() {
  const name = $('enrol-name').value.trim();
  if (NAME.test(name)) return name;
  tell('nameNeeded');
  $('enrol-name').focus();
  return '';
}

async function record() {
  if (recording) return;
  const name = validName();
  if (!name) return;
  if (busy()) { tell('enrolStopFirst'); return; }
  if (!secure()) { tell('insecure'); return; }
  tell('');
  const blocks = [];
  let heard = 0;
  let done;
  const finished = new Promise((resolve) => { done = resolve; });
  const sound = new Sound({
    block: (block) => {
      if (heard >= SECONDS * sound.rate) return;
      blocks.push(block);
      heard += block.length;
      progress(heard / sound.rate);
      if (heard >= SECONDS * sound.rate) done(true);
    },
    ended: () => done(false),
    paused: (yes) => { if (yes) sound.resume(); },
  });
  recording = { cancel: () => done(false) };
  $('enrol-start').disabled = true;
  $('enrol-text').textContent = t('enrolText');
  progress(0);
  $('enrol-now').hidden = false;
  try {
    await sound.open();
    await sound.microphone($('device').value);
    // Sound from before the microphone was open is silence, and does not count.
    blocks.length = 0;
    heard = 0;
    const whole = await finished;
    const { rate } = sound;
    await sound.close();
    $('enrol-now').hidden = true;
    if (whole) await send(name, blocks, rate);
  } catch (error) {
    message = null;
    $('enrol-message').textContent = error.message || String(error);
  } finally {
    await sound.close();
    $('enrol-now').hidden = true;
    $('enrol-start').disabled = false;
    recording = null;
  }
}

function progress(seconds) {
  $('enrol-progress').value = seconds;
  $('enrol-left').textContent = t('secondsLeft', { n: Math.max(0, Math.ceil(SECONDS - seconds)) });
}

async function send(name, blocks, rate) {
  let loudest = 0;
  for (const block of blocks) for (const v of block) loudest = Math.max(loudest, Math.abs(v));
  if (loudest < 0.003) { tell('enrolQuiet'); return; }
  tell('enrolSending');
  const form = new FormData();
  form.append('name', name);
  form.append('file', wav(blocks, rate), 'voice.wav');
  if ($('model').value) form.append('model', $('model').value);
  const answer = await (await ask('v1/speakers', { method: 'POST', body: form })).json();
  await load();
  choose(answer.name ?? name);
  tell('enrolDone', { name: answer.name ?? name, n: Math.round(answer.seconds) });
}

// 16 bits are enough for a voice, and half the bytes.
function wav(blocks, rate) {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * length));
  const text = (at, word) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, 'RIFF'); view.setUint32(4, 36 + 2 * length, true); text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, 'data'); view.setUint32(40, 2 * length, true);
  let at = 44;
  for (const block of blocks) {
    for (const v of block) { view.setInt16(at, Math.round(32767 * Math.max(-1, Math.min(1, v))), true); at += 2; }
  }
  return new Blob([view.buffer], { type: 'audio/wav' });
}

// ---- the voices that are known --------------------------------------------------------------

async function load() {
  try {
    ({ speakers } = await (await ask('v1/speakers')).json());
  } catch (error) {
    notify(error.message, { key: 'speakers', problem: true });
  }
  list();
}

function choose(name) {
  $('speaker').value = name;
  list();
}

function list() {
  const select = $('speaker');
  const chosen = select.value;
  select.replaceChildren(element('option', { value: '', 'data-t': 'speakerNone' }, t('speakerNone')),
    ...speakers.map((s) => element('option', { value: s.name }, s.name)));
  select.value = speakers.some((s) => s.name === chosen) ? chosen : '';
  $('speakers').replaceChildren(...(speakers.length ? speakers.map(row) : [element('li', { class: 'empty' }, t('noVoices'))]));
}

function row({ name, seconds }) {
  const inUse = $('speaker').value === name;
  return element('li', {},
    element('span', {}, element('strong', {}, name), ' ', element('span', { class: 'hint' }, t('seconds', { n: Math.round(seconds) }))),
    element('button', {
      type: 'button', 'aria-pressed': String(inUse), 'aria-label': t('useName', { name }),
      onclick: () => { choose(inUse ? '' : name); $('speakers').querySelectorAll('[aria-pressed]')[speakers.findIndex((s) => s.name === name)]?.focus(); },
    }, t(inUse ? 'used' : 'use')),
    element('button', { type: 'button', 'aria-label': t('forgetName', { name }), onclick: () => forget(name) }, t('forget')));
}

async function forget(name) {
  try {
    await ask(`v1/speakers/${encodeURIComponent(name)}`, { method: 'DELETE' });
    tell('forgotten', { name });
  } catch (error) {
    notify(error.message, { key: 'speakers', problem: true });
  }
  await load();
  $('enrol-name').focus({ preventScroll: true });
}
