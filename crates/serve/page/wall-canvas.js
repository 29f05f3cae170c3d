// The wall without WebGL2: simpler pictures with Canvas 2D, made of soft light that adds
// up. It draws few pixels and lets the browser enlarge them, which also softens.

import { linearToCss } from './wall-colour.js';

const LINES = 300; // height that is drawn

export class WallCanvas {
  constructor(stage, scenes, { transparent }) {
    this.name = 'canvas';
    this.scenes = scenes;
    this.transparent = transparent;
    this.canvas = document.createElement('canvas');
    this.context = this.canvas.getContext('2d', { alpha: transparent });
    stage.append(this.canvas);
  }

  remove() {
    this.canvas.remove();
  }

  draw(index, view, fade) {
    const height = Math.min(LINES, Math.max(2, innerHeight));
    const width = Math.max(2, Math.round((height * innerWidth) / Math.max(1, innerHeight)));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const pen = this.context;
    pen.globalCompositeOperation = 'source-over';
    pen.globalAlpha = 1;
    if (this.transparent) {
      pen.clearRect(0, 0, width, height);
    } else {
      pen.fillStyle = linearToCss(view.back);
      pen.fillRect(0, 0, width, height);
    }
    pen.globalCompositeOperation = 'lighter';
    pen.save();
    pen.translate(width / 2, height / 2);
    pen.scale(height / 2, height / 2); // as in the shaders: y from -1 to 1
    const aspect = width / height;
    const paint = { aurora: this.curtains, pulse: this.rings, silk: this.threads }[this.scenes[index].name] || this.clouds;
    paint.call(this, pen, view, aspect, fade);
    pen.restore();
  }

  colour(view, k, alpha, from = view.colours) {
    return linearToCss([from[3 * k], from[3 * k + 1], from[3 * k + 2]], alpha.toFixed(4));
  }

  blob(pen, x, y, radius, view, k, alpha) {
    const light = pen.createRadialGradient(x, y, 0, x, y, radius);
    light.addColorStop(0, this.colour(view, k, alpha));
    light.addColorStop(0.35, this.colour(view, k, alpha * 0.55));
    light.addColorStop(0.7, this.colour(view, k, alpha * 0.13, view.seconds));
    light.addColorStop(1, this.colour(view, k, 0, view.seconds));
    pen.fillStyle = light;
    pen.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  }

  clouds(pen, view, aspect, fade) {
    for (let k = 0; k < 3; k++) {
      const weight = view.weights[k];
      for (let i = 0; i < 6; i++) {
        const a = 2.0944 * k + view.phase * 0.11 + i * 1.3;
        const b = view.phase * (0.21 + 0.05 * i) + k + i * 2.1;
        const away = 0.75 - 0.45 * weight;
        const x = aspect * away * Math.cos(2.0944 * k + view.phase * 0.1) + 0.4 * Math.cos(a + b);
        const y = away * 0.8 * Math.sin(2.0944 * k + view.phase * 0.1) + 0.35 * Math.sin(a - b);
        const radius = (0.35 + 0.9 * view.energy) * (0.55 + 0.6 * weight) * (0.7 + 0.12 * i);
        this.blob(pen, x, y, radius, view, k, fade * (0.1 + 0.4 * view.energy) * (0.25 + 0.75 * weight));
      }
    }
  }

  curtains(pen, view, aspect, fade) {
    const count = Math.round(46 + 60 * view.pitch);
    for (let k = 0; k < 3; k++) {
      const strength = fade * (0.07 + 0.4 * view.energy) * (0.2 + 0.8 * view.weights[k]);
      for (let i = 0; i < count; i++) {
        const s = (i / (count - 1)) * 2 - 1;
        const fold = 0.3 * Math.sin(s * 4 + view.phase * 0.3 + k * 2) + 0.12 * Math.sin(s * 9 - view.phase * 0.5 + k);
        const x = aspect * 1.2 * s + fold;
        const foot = 0.5 - 0.26 * k + 0.2 * Math.sin(s * 3.1 + view.phase * 0.37 + k * 1.7);
        const ray = 0.5 + 0.5 * Math.sin(i * 2.4 + view.phase * (0.7 + 0.2 * k)) * Math.sin(i * 0.73 - view.phase * 0.4);
        const tall = (0.35 + 1.3 * view.energy) * (0.5 + 0.6 * ray);
        const wide = (3.2 * aspect) / count;
        const light = pen.createLinearGradient(0, foot + 0.08, 0, foot - tall);
        light.addColorStop(0, this.colour(view, k, 0));
        light.addColorStop(0.12, this.colour(view, k, strength * (0.3 + ray)));
        light.addColorStop(0.5, this.colour(view, k, strength * 0.4 * ray, view.seconds));
        light.addColorStop(1, this.colour(view, k, 0, view.seconds));
        pen.fillStyle = light;
        // Three steps across, so that a ray has no hard sides.
        for (const part of [1, 0.66, 0.33]) pen.fillRect(x - (wide * part) / 2, foot - tall, wide * part, tall + 0.1);
      }
    }
  }

  rings(pen, view, aspect, fade) {
    const size = 0.42 + 0.5 * view.energy + 0.07 * view.punch;
    const count = Math.round(4 + 7 * view.pitch);
    const jag = Math.max(0, -view.valence);
    const strongest = view.weights.indexOf(Math.max(...view.weights));
    this.blob(pen, 0, 0, size * 1.7, view, strongest, fade * (0.08 + 0.3 * view.energy));
    this.blob(pen, 0, 0, size * (0.35 + 0.2 * view.punch), view, strongest, fade * (0.2 + 0.7 * view.energy));
    for (let i = 0; i < count; i++) {
      const s = (i + 0.7) / count;
      for (let k = 0; k < 3; k++) {
        // Each emotion has an arc as long as it is strong; the arcs overlap at their ends.
        const begin = 2.0944 * k + view.phase * 0.16 + s * 1.5;
        const half = Math.PI * Math.min(1, 0.12 + view.weights[k]);
        pen.beginPath();
        for (let j = 0; j <= 90; j++) {
          const a = begin - half + (2 * half * j) / 90;
          const soft = 0.12 * Math.sin(3 * a + view.phase - i * 0.4) + 0.07 * Math.sin(5 * a - view.phase * 1.3 + i * 0.3);
          const thorn = jag * 0.2 * Math.asin(Math.sin(11 * a + view.phase)) * 0.6366;
          const r = size * s ** 0.85 * (1 + (soft + thorn) * (0.3 + 0.9 * s));
          pen.lineTo(r * Math.cos(a), r * Math.sin(a));
        }
        const alpha = fade * (0.16 + 0.6 * view.energy) * (0.2 + 0.8 * view.weights[k]);
        this.stroke(pen, view, k, alpha, 0.012);
      }
    }
  }

  threads(pen, view, aspect, fade) {
    const waves = 0.9 + 2 * view.pitch;
    const swing = 0.14 + 0.5 * view.energy + 0.1 * view.punch;
    for (let k = 0; k < 3; k++) {
      for (let i = 0; i < 9; i++) {
        const s = i / 8;
        const t = view.phase * (0.8 + 0.1 * k) + k * 2.3;
        pen.beginPath();
        for (let j = 0; j <= 80; j++) {
          const x = aspect * 1.05 * ((2 * j) / 80 - 1);
          const open = 0.3 + 0.7 * Math.exp(-0.3 * x * x);
          const y = 0.3 * (k - 1) * open
            + swing * open * (0.62 * Math.sin(x * waves + t + s * 1.6) + 0.3 * Math.sin(x * waves * 2.3 - t * 1.3 + s * 2.6 + k))
            + (s - 0.5) * 0.3 * Math.sin(x * 0.8 + t * 0.5 + k * 1.9);
          pen.lineTo(x, -y);
        }
        this.stroke(pen, view, k, fade * (0.12 + 0.55 * view.energy) * (0.25 + 0.75 * view.weights[k]), 0.008);
      }
    }
  }

  // A line that glows: wide and faint first, then thin and bright.
  stroke(pen, view, k, alpha, width) {
    pen.lineJoin = 'round';
    for (const [wide, share] of [[9, 0.07], [4, 0.14], [1, 0.75]]) {
      pen.lineWidth = width * wide;
      pen.strokeStyle = this.colour(view, k, alpha * share);
      pen.stroke();
    }
  }
}
