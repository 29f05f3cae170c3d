// Every word of the page in the language of the reader. Chosen by the browser, switchable,
// remembered. The tables are in texts-en.js, texts-de.js and texts-zh.js.

import { en } from './texts-en.js';
import { de } from './texts-de.js';
import { zh } from './texts-zh.js';

const TABLES = { en, de, zh };
const KEY = 'affekt.language';
const listeners = [];
let language = 'en';

export const onLanguage = (listener) => listeners.push(listener);
export const currentLanguage = () => language;

// A text, with {name} filled in. English stands in for what a table lacks.
export function t(key, values = {}) {
  const text = TABLES[language].texts[key] ?? en.texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// The name of an emotion. A label that no table knows is shown as the model says it.
export const emotion = (label) => TABLES[language].emotions[label] ?? label;

function preferred() {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept in TABLES) return kept;
  } catch { /* no storage: ask the browser */ }
  for (const wish of navigator.languages?.length ? navigator.languages : [navigator.language || 'en']) {
    const code = wish.toLowerCase().split('-')[0];
    if (code in TABLES) return code;
  }
  return 'en';
}

function use(code) {
  language = code;
  document.documentElement.lang = code === 'zh' ? 'zh-Hans' : code;
}

export function startLanguage(select) {
  use(preferred());
  select.value = language;
  select.addEventListener('change', () => {
    use(select.value);
    try { localStorage.setItem(KEY, language); } catch { /* then only until it is closed */ }
    for (const listener of listeners) listener();
  });
}
