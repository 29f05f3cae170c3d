// Live curves of all emotions over the last thirty seconds.

import { onScheme, sharp, calm } from './ui.js';
import { css, ink } from './colours.js';

export const SECONDS = 30;
// A longer gap between two measurements is a lost connection, not a slow change.
const GAP = 2;

export class Curves {
  constructor(canvas, session) {
    this.canvas = canvas;
    this.session = session;
    this.shown = 0;
    this.style = null;
    onScheme(() => { this.style = null; this.draw(this.shown); });
    new ResizeObserver(() => this.draw(this.shown)).observe(canvas);
  }

  // `now` is the time of the right edge, on the session's clock.
  draw(now) {
    this.shown = now;
    this.style ??= { line: css('--line'), speech: css('--speech') };
    const { context: c, width, height } = sharp(this.canvas);
    if (!width) return;
    c.clearRect(0, 0, width, height);
    const top = 8;
    const bottom = height - 3;
    const x = (time) => width * (1 - (now - time) / SECONDS);
    const y = (p) => bottom - (bottom - top) * Math.min(1, Math.max(0, p));

    c.lineWidth = 1;
    c.strokeStyle = this.style.line;
    for (const p of [0, 0.5, 1]) {
      c.beginPath();
      c.moveTo(0, Math.round(y(p)) + 0.5);
      c.lineTo(width, Math.round(y(p)) + 0.5);
      c.stroke();
    }
    const recent = this.recent(now);
    if (!recent.length) return;

    c.fillStyle = this.style.speech;
    // An answer is about several seconds; what is new in it begins where the one before ended.
    recent.forEach((m, i) => {
      const before = i && m.end - recent[i - 1].end < GAP ? recent[i - 1].end : m.end - 0.25;
      const left = Math.round(x(before));
      if (m.speech) c.fillRect(left, top, Math.round(x(m.end)) - left, bottom - top);
    });
    const last = recent[recent.length - 1];
    const { labels } = this.session;
    const order = [...labels].sort((a, b) => (last.probabilities[a] || 0) - (last.probabilities[b] || 0));
    // The leading one is drawn last and thicker, so that colour is not all that tells it.
    for (const label of order) this.line(c, recent, label, x, y, bottom, label === last.label);
  }

  line(c, recent, label, x, y, bottom, leads) {
    const colour = ink(label);
    c.strokeStyle = colour;
    c.lineJoin = 'round';
    c.lineWidth = leads ? 3 : 1.5;
    c.globalAlpha = leads ? 1 : 0.8;
    let before = null;
    let first = null;
    c.beginPath();
    for (const m of recent) {
      const p = m.probabilities[label] || 0;
      if (before && m.end - before.end < GAP) c.lineTo(x(m.end), y(p));
      else { c.moveTo(x(m.end), y(p)); first = m; }
      before = m;
    }
    c.stroke();
    if (leads) {
      c.lineTo(x(before.end), bottom);
      c.lineTo(x(first.end), bottom);
      c.globalAlpha = 0.1;
      c.fillStyle = colour;
      c.fill();
      c.globalAlpha = 1;
      c.beginPath();
      c.arc(x(before.end), y(before.probabilities[label] || 0), 4, 0, 7);
      c.fill();
    }
    c.globalAlpha = 1;
  }

  // Measurements are in order: the first that is still seen is found from the end.
  recent(now) {
    const all = this.session.measurements;
    let from = all.length;
    while (from > 0 && all[from - 1].end > now - SECONDS - 1) from -= 1;
    return all.slice(from);
  }
}

// Calls `draw` for each picture: smoothly, or four times a second where motion is unwelcome.
export function animate(draw) {
  let running = true;
  let before = -Infinity;
  const step = (time) => {
    if (!running) return;
    if (!calm.matches || time - before > 240) {
      before = time;
      draw(time);
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  return () => { running = false; };
}
