// Colours of the emotions: the server's palette, made readable on the page.
// A yellow that shines on a stage would vanish on white paper, so each colour is moved
// towards black or white until it has enough contrast.

import { ask, onScheme } from './ui.js';

const GREY = '#8c8c94';
const palette = new Map();
let inks = new Map();
let paper = null;

export async function loadPalette() {
  try {
    const { colours } = await (await ask('palette.json')).json();
    for (const [label, colour] of Object.entries(colours || {})) {
      if (/^#[0-9a-f]{6}$/i.test(colour)) palette.set(label, colour);
    }
  } catch { /* grey is a colour too */ }
  inks.clear();
}

export const colour = (label) => palette.get(label) || GREY;
// The labels of the palette, for the time before a session has told its own.
export const known = () => [...palette.keys()];

onScheme(() => { paper = null; inks = new Map(); });

export function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const toHex = (c) => `#${c.map((v) => Math.round(v).toString(16).padStart(2, '0')).join('')}`;

function luminance(c) {
  const [r, g, b] = c.map((v) => {
    const x = v / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

// The colour of a label for lines and large words: at least 4.5 to 1 on a card.
export function ink(label) {
  if (!paper) paper = rgb(css('--card') || '#ffffff');
  if (!inks.has(label)) {
    const away = luminance(paper) > 0.4 ? [0, 0, 0] : [255, 255, 255];
    const from = rgb(colour(label));
    let mixed = from;
    for (let part = 0; part <= 1 && contrast(mixed, paper) < 4.5; part += 0.04) {
      mixed = from.map((v, i) => v + (away[i] - v) * part);
    }
    inks.set(label, toHex(mixed));
  }
  return inks.get(label);
}

export const inkRgb = (label) => rgb(ink(label));
