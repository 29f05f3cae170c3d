// Colours of the wall. Everything is mixed in OKLab, where the way from red to blue does
// not lead through mud, and handed to the shaders as linear light.

// Used where the server gives no colour for a label. A label that is not here gets a hue
// made from its name, so that it always has the same one.
const FALLBACK = {
  neutral: '#9fb0c0', calm: '#3fb8a8', happy: '#ffc22e', sad: '#3a62e0', angry: '#ff2a12',
  fearful: '#8a3ff0', disgust: '#7fa81e', surprised: '#ff5fc0',
};

const toLinear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const toGamma = (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);

export function hexToLab(hex) {
  let digits = String(hex).trim().replace(/^#/, '');
  if (digits.length === 3) digits = digits.replace(/./g, '$&$&');
  if (!/^[0-9a-f]{6}/i.test(digits)) return null;
  const n = parseInt(digits.slice(0, 6), 16);
  return linearToLab([n >> 16, (n >> 8) & 255, n & 255].map((v) => toLinear(v / 255)));
}

export function linearToLab([r, g, b]) {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export function labToLinear([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  // Out-of-gamut light would be negative; a lamp cannot do that.
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((v) => Math.max(0, v));
}

export function linearToCss(rgb, alpha = 1) {
  const [r, g, b] = rgb.map((v) => Math.round(255 * toGamma(Math.min(1, Math.max(0, v)))));
  return `rgba(${r},${g},${b},${alpha})`;
}

// The colour that stands beside a colour: hue turned, a little darker.
export function companion([L, a, b], turn = 0.75) {
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  return [L * 0.86, a * c - b * s, a * s + b * c];
}

export function mixLab(x, y, t) {
  return [0, 1, 2].map((i) => x[i] + (y[i] - x[i]) * t);
}

export class Palette {
  constructor() {
    this.colours = new Map();
    this.silence = [0, 0, 0];
  }

  async load(token) {
    const query = token ? `?token=${encodeURIComponent(token)}` : '';
    try {
      const answer = await fetch(`/palette.json${query}`, { cache: 'no-store' });
      if (!answer.ok) return false;
      const palette = await answer.json();
      const silence = hexToLab(palette.silence);
      if (silence) this.silence = silence;
      for (const [name, hex] of Object.entries(palette.colours || {})) {
        const lab = hexToLab(hex);
        if (lab) this.colours.set(name, this.visible(lab));
      }
      return true;
    } catch {
      return false; // the fallback colours do
    }
  }

  // Names for the demonstration, which has no server to ask for labels.
  names() {
    return this.colours.size ? [...this.colours.keys()] : Object.keys(FALLBACK);
  }

  of(name) {
    if (!this.colours.has(name)) {
      let lab = FALLBACK[name] && hexToLab(FALLBACK[name]);
      if (!lab) {
        let hash = 7;
        for (const c of name) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
        const hue = ((hash % 360) * Math.PI) / 180;
        lab = [0.68, 0.17 * Math.cos(hue), 0.17 * Math.sin(hue)];
      }
      this.colours.set(name, this.visible(lab));
    }
    return this.colours.get(name);
  }

  // The pictures are made of light: a nearly black colour would simply be missing.
  visible([L, a, b]) {
    return [Math.min(0.88, Math.max(0.52, L)), a, b];
  }
}
