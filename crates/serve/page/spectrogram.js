// A scrolling spectrogram below the curves, with the same time axis. Each column takes the
// colour of the emotion that was heard then.

import { onScheme, sharp } from './ui.js';
import { css, inkRgb } from './colours.js';
import { SECONDS } from './curves.js';

const PER_SECOND = 25;
const COLUMNS = SECONDS * PER_SECOND;
const ROWS = 80;
const HIGHEST = 8000; // the model hears nothing above

const mel = (hz) => 2595 * Math.log10(1 + hz / 700);
const hertz = (m) => 700 * (10 ** (m / 2595) - 1);

export class Spectrogram {
  constructor(canvas) {
    this.canvas = canvas;
    // A ring of columns: each is written once and only moved when it is shown.
    this.ring = document.createElement('canvas');
    this.ring.width = COLUMNS;
    this.ring.height = ROWS;
    this.paint = this.ring.getContext('2d', { willReadFrequently: true });
    this.column = this.paint.createImageData(1, ROWS);
    this.clear();
    // Colours of the old scheme would be unreadable on the new one: only new columns fit.
    onScheme(() => { this.plain = null; this.show(this.time); });
    new ResizeObserver(() => this.show(this.time)).observe(canvas);
  }

  clear() {
    this.written = 0;
    this.time = 0;
    this.paint.clearRect(0, 0, COLUMNS, ROWS);
    this.show(0);
  }

  begin(analyser) {
    this.analyser = analyser;
    this.bins = new Uint8Array(analyser.frequencyBinCount);
    const width = analyser.context.sampleRate / analyser.fftSize;
    const top = mel(Math.min(HIGHEST, analyser.context.sampleRate / 2));
    // The bins of each row, highest pitch first. Low rows are narrower than a bin.
    this.rows = Array.from({ length: ROWS }, (_, row) => {
      const low = Math.round(hertz((top * (ROWS - 1 - row)) / ROWS) / width);
      const high = Math.round(hertz((top * (ROWS - row)) / ROWS) / width);
      return [low, Math.min(this.bins.length, Math.max(low + 1, high))];
    });
  }

  // Writes the columns up to `time` (seconds) and shows them.
  draw(time, label) {
    this.time = time;
    const until = Math.floor(time * PER_SECOND);
    if (until > this.written) {
      this.analyser.getByteFrequencyData(this.bins);
      this.fill(label);
      // After a pause in the background only the visible part is worth writing.
      for (let n = Math.max(this.written, until - COLUMNS); n < until; n += 1) {
        this.paint.putImageData(this.column, n % COLUMNS, 0);
      }
      this.written = until;
    }
    this.show(time);
  }

  fill(label) {
    this.plain ??= hexRgb(css('--muted'));
    const [r, g, b] = label ? inkRgb(label) : this.plain;
    const { data } = this.column;
    this.rows.forEach(([low, high], row) => {
      let loudest = 0;
      for (let i = low; i < high; i += 1) if (this.bins[i] > loudest) loudest = this.bins[i];
      data.set([r, g, b, Math.round(255 * (loudest / 255) ** 1.4)], 4 * row);
    });
  }

  show(time) {
    const { context: c, width, height } = sharp(this.canvas);
    if (!width) return;
    c.clearRect(0, 0, width, height);
    const one = width / COLUMNS;
    const newest = this.written % COLUMNS;
    // Between two columns the picture glides.
    const shift = (time * PER_SECOND - this.written) * one;
    c.save();
    c.translate(-shift, 0);
    const older = COLUMNS - newest;
    c.drawImage(this.ring, newest, 0, older, ROWS, 0, 0, older * one, height);
    if (newest) c.drawImage(this.ring, 0, 0, newest, ROWS, older * one, 0, newest * one, height);
    c.restore();
  }
}

function hexRgb(hex) {
  return /^#[0-9a-f]{6}$/i.test(hex) ? [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)) : [128, 128, 128];
}
