// The answer to a recording: coloured segments, curves, a player whose place is shown, a
// table, and exports.

import { emotion, onLanguage, t } from './texts.js';
import { $, clock, element, onScheme, percent, sharp } from './ui.js';
import { css, ink } from './colours.js';
import { download, segmentsCsv, vtt } from './exports.js';

const STRIP = 22; // height of the coloured segments below the curves
let shown = null; // { name, segments, curves, labels, duration, result }
let url = null;
let following = false;

export function setup() {
  const player = $('player');
  const canvas = $('timeline');
  canvas.addEventListener('pointerdown', (event) => { canvas.setPointerCapture(event.pointerId); seekTo(event); });
  canvas.addEventListener('pointermove', (event) => { if (event.buttons & 1) seekTo(event); });
  canvas.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? shown?.duration : step && player.currentTime + step;
    if (event.key === ' ' || event.key === 'Enter') { if (player.paused) player.play().catch(() => {}); else player.pause(); }
    else if (to === undefined) return;
    else seek(to);
    event.preventDefault();
  });
  for (const name of ['seeked', 'timeupdate', 'pause']) player.addEventListener(name, draw);
  player.addEventListener('play', follow);
  player.addEventListener('error', () => { if (player.src) $('player-error').hidden = false; });
  $('file-csv').addEventListener('click', () => download(`${shown.name}.csv`, 'text/csv', segmentsCsv(shown.segments, shown.labels)));
  $('file-vtt').addEventListener('click', () => download(`${shown.name}.vtt`, 'text/vtt', vtt(shown.segments.filter((s) => s.label))));
  new ResizeObserver(draw).observe(canvas);
  onScheme(() => { if (shown) { legend(); table(); draw(); } });
  onLanguage(() => { if (shown) { facts(); legend(); table(); draw(); } });
}

export function show(file, result) {
  const segments = result.segments || [];
  const labels = Object.keys(result.curves?.probabilities || segments[0]?.probabilities || {});
  shown = {
    name: file.name.replace(/\.[^.]*$/, '') || 'recording', title: file.name, result, segments, labels,
    curves: result.curves, duration: result.duration || segments.at(-1)?.end || 0,
  };
  const player = $('player');
  if (url) URL.revokeObjectURL(url);
  url = URL.createObjectURL(file);
  $('player-error').hidden = true;
  player.src = url;
  $('result').hidden = false;
  facts();
  legend();
  table();
  draw();
  $('result').scrollIntoView({ block: 'nearest' });
  $('result-title').focus({ preventScroll: true });
}

function facts() {
  $('result-title').textContent = shown.title;
  const { result } = shown;
  $('result-facts').textContent = t('facts', { time: clock(shown.duration), model: result.model || '–' });
  const notes = [...[result.notes || []].flat()].map(String);
  if (result.seconds_lost > 0) notes.push(t('secondsLost', { n: result.seconds_lost.toFixed(1) }));
  $('result-notes').textContent = notes.join(' ');
  $('timeline').setAttribute('aria-valuemax', shown.duration.toFixed(1));
}

// Labels that are nowhere in the segments need no entry.
function legend() {
  const used = shown.labels.filter((label) => shown.segments.some((s) => s.label === label));
  $('result-legend').replaceChildren(...used.map((label) => {
    const chip = element('span', { class: 'chip' });
    chip.style.backgroundColor = ink(label);
    return element('li', {}, chip, emotion(label));
  }));
}

function word(segment) {
  const reasons = { no_speech: 'noSpeech', too_little: 'tooLittle', unsure: 'unsure', unfamiliar: 'unfamiliar' };
  const reason = reasons[segment.verdict];
  if (segment.label && segment.verdict !== 'unfamiliar') return emotion(segment.label);
  return segment.label ? `${emotion(segment.label)} (${t('unfamiliar')})` : t(reason || 'unsure');
}

function table() {
  $('segments').replaceChildren(...shown.segments.map((s) => {
    const chip = element('span', { class: 'chip' });
    if (s.label) chip.style.backgroundColor = ink(s.label);
    const p = s.label && s.probabilities?.[s.label];
    const jump = element('button', {
      type: 'button', class: 'link', 'aria-label': t('jump', { time: clock(s.start) }),
      onclick: () => { seek(s.start); $('player').play().catch(() => {}); },
    }, clock(s.start));
    return element('tr', {}, element('td', {}, jump), element('td', {}, clock(s.end)),
      element('td', {}, chip, word(s)), element('td', {}, p ? percent(p) : ''));
  }));
}

// ---- the picture --------------------------------------------------------------------------

function seekTo(event) {
  const box = $('timeline').getBoundingClientRect();
  seek((shown.duration * (event.clientX - box.left)) / box.width);
}

function seek(time) {
  if (!shown) return;
  $('player').currentTime = Math.min(shown.duration, Math.max(0, time));
  draw();
}

// The cursor glides while it plays; `timeupdate` alone comes four times a second.
function follow() {
  if (following) return;
  following = true;
  const step = () => {
    draw();
    following = !$('player').paused && !$('player').ended;
    if (following) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function draw() {
  if (!shown || !shown.duration) return;
  const { context: c, width, height } = sharp($('timeline'));
  if (!width) return;
  const x = (time) => (width * time) / shown.duration;
  const bottom = height - STRIP - 8;
  const y = (p) => bottom - (bottom - 6) * p;
  c.clearRect(0, 0, width, height);
  c.strokeStyle = css('--line');
  c.lineWidth = 1;
  for (const p of [0, 0.5, 1]) {
    c.beginPath();
    c.moveTo(0, Math.round(y(p)) + 0.5);
    c.lineTo(width, Math.round(y(p)) + 0.5);
    c.stroke();
  }
  c.fillStyle = css('--line');
  c.fillRect(0, height - STRIP, width, STRIP);
  for (const s of shown.segments) {
    if (!s.label) continue;
    c.fillStyle = ink(s.label);
    c.globalAlpha = s.verdict === 'unfamiliar' ? 0.35 : 1;
    // A hair of background between neighbours, so that borders are seen without colour.
    c.fillRect(x(s.start), height - STRIP, Math.max(1, x(s.end) - x(s.start) - 1), STRIP);
  }
  c.globalAlpha = 1;
  const { times = [], probabilities = {} } = shown.curves || {};
  c.lineWidth = 1.75;
  c.lineJoin = 'round';
  for (const label of shown.labels) {
    c.strokeStyle = ink(label);
    c.beginPath();
    times.forEach((time, i) => c.lineTo(x(time), y(probabilities[label]?.[i] || 0)));
    c.stroke();
  }
  const time = $('player').currentTime || 0;
  c.fillStyle = css('--text');
  c.fillRect(Math.min(width - 2, x(time)) - 1, 0, 2, height);
  const at = shown.segments.find((s) => time >= s.start && time < s.end);
  $('timeline').setAttribute('aria-valuenow', time.toFixed(1));
  $('timeline').setAttribute('aria-valuetext', at ? `${clock(time)}, ${word(at)}` : clock(time));
}
