// Small things that every part of the page needs.

import { t, onLanguage } from './texts.js';

export const $ = (id) => document.getElementById(id);

export const token = new URLSearchParams(location.search).get('token') || '';

// A browser that forbids storage (private windows, embedded pages) must not stop the page.
export const remember = {
  get(key) {
    try { return localStorage.getItem(`affekt.${key}`); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`affekt.${key}`, value); } catch { /* then it is forgotten */ }
  },
};

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') node.className = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// ---- numbers, as the language writes them -----------------------------------------------

export const percent = (p) => t('percent', { n: Math.round(100 * p) });

export function clock(seconds, digits = 1) {
  const s = Math.max(0, seconds);
  const minutes = Math.floor(s / 60);
  const rest = (s - 60 * minutes).toFixed(digits);
  // 59.96 must not become 0:60.0.
  if (Number(rest) >= 60) return `${minutes + 1}:${(0).toFixed(digits).padStart(digits ? digits + 3 : 2, '0')}`;
  return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, '0')}`;
}

// ---- the server -------------------------------------------------------------------------

export class ServerError extends Error {}

// A request with the token. What goes wrong becomes a sentence that a person can read.
export async function ask(path, options = {}) {
  const headers = { ...(options.headers || {}) };
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ServerError(t('unreachable'));
  }
  if (!answer.ok) throw new ServerError(await plainWords(answer));
  return answer;
}

async function plainWords(answer) {
  let said = '';
  try {
    const { error } = await answer.json();
    said = error.message || '';
    if (error.code === 'not_audio') return `${t('notAudio')} (${said})`;
  } catch { /* no JSON, no matter */ }
  const known = { 401: 'needToken', 403: 'forbidden', 413: 'tooLarge', 421: 'forbidden', 429: 'busy', 503: 'busy' };
  const words = known[answer.status] ? t(known[answer.status]) : said || t('serverSaid', { n: answer.status });
  return known[answer.status] && said ? `${words} (${said})` : words;
}

// ---- notices ----------------------------------------------------------------------------

// Notices lie over the page, so that nothing moves when one comes. One with the same key
// takes the place of the one before. Problems stay until they are dismissed or settled.
export function notify(text, { key = text, problem = false, action = null, seconds = problem ? 0 : 8 } = {}) {
  settle(key);
  const note = element('div', { class: problem ? 'notice bad' : 'notice', role: problem ? 'alert' : 'status' });
  note.dataset.key = key;
  note.append(element('p', {}, text));
  if (action) note.append(element('button', { type: 'button', onclick: () => { note.remove(); action.run(); } }, action.text));
  note.append(element('button', { type: 'button', class: 'close', 'aria-label': t('dismiss'), onclick: () => note.remove() }, '×'));
  $('notices').append(note);
  while ($('notices').children.length > 3) $('notices').firstChild.remove();
  if (seconds) setTimeout(() => note.remove(), 1000 * seconds);
}

export function settle(key) {
  for (const note of [...$('notices').children]) if (note.dataset.key === key) note.remove();
}

// ---- appearance -------------------------------------------------------------------------

const schemeListeners = [];
export const onScheme = (listener) => schemeListeners.push(listener);
export const calm = matchMedia('(prefers-reduced-motion: reduce)');

export function appearance() {
  const choose = $('theme');
  const apply = () => {
    if (choose.value === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choose.value;
    for (const listener of schemeListeners) listener();
  };
  const kept = remember.get('theme');
  if (['auto', 'light', 'dark'].includes(kept)) choose.value = kept;
  choose.addEventListener('change', () => { remember.set('theme', choose.value); apply(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  apply();
}

// Every element with data-t has its text from the table, with data-t-label its name.
export function translate() {
  const run = () => {
    for (const node of document.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
    for (const node of document.querySelectorAll('[data-t-label]')) node.setAttribute('aria-label', t(node.dataset.tLabel));
  };
  run();
  onLanguage(run);
}

// Gives an element a text of the table that stays right when the language changes.
export function say(node, key) {
  if (node.dataset.t === key) return;
  node.dataset.t = key;
  node.textContent = t(key);
}

// A canvas as sharp as the screen. Returns the context and the size in CSS pixels.
export function sharp(canvas) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}
