// What the wall knows: it listens to the server, eases the numbers, and chooses colours.
// The pictures only ever see `view`, which changes smoothly however the messages come.

import { Palette, companion, labToLinear, linearToCss, mixLab } from './wall-colour.js';
import { demo } from './wall-demo.js';

const SLOTS = 3; // emotions that are seen at the same time
// Phases come back to their start here. Every multiple of 0.01 of it is a whole number of
// turns, so nothing jumps, and a show of many hours loses no precision in 32-bit shaders.
const TURN = 200 * Math.PI;

// When nobody speaks: night colours, in OKLab.
const NIGHT = [[0.5, -0.02, -0.09], [0.46, 0.04, -0.1], [0.5, -0.06, -0.04]];

const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
const number = (v) => (Number.isFinite(v) ? v : 0);
const ease = (from, to, dt, seconds) => from + (to - from) * (1 - Math.exp(-dt / seconds));
const step = (low, high, v) => {
  const t = clamp((v - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
};

export class WallState {
  constructor(options) {
    this.options = options;
    this.palette = new Palette();
    this.labels = [];
    this.p = [];
    this.target = { p: [], level: 0, pitch: 0, valence: 0, arousal: 0, speech: 0, unfamiliarity: 0 };
    this.heard = -Infinity; // when the last numbers came
    this.label = null;
    this.connected = false;
    this.slots = NIGHT.map((lab) => ({ index: -1, weight: 0, lab: [...lab] }));
    this.speed = 0.1;
    this.view = {
      time: 0, phase: 0, level: 0, punch: 0, pitch: 0.3, arousal: 0.2, valence: 0, speech: 0,
      energy: 0, unfamiliar: 0, colours: new Float32Array(9), seconds: new Float32Array(9),
      weights: new Float32Array(3), mix: [0, 0, 0], back: [0, 0, 0], css: '#fff',
    };
    this.retry = 0;
  }

  async start() {
    await this.palette.load(this.options.token);
    if (this.options.demo !== null) {
      demo(this.palette.names(), this.options.demo, (message) => this.receive(message));
      return;
    }
    this.connect();
    // A laptop that slept, or a cable that is back: do not wait for the timer.
    addEventListener('online', () => this.hurry());
    addEventListener('visibilitychange', () => document.hidden || this.hurry());
  }

  // ---- the connection -------------------------------------------------------------

  connect() {
    clearTimeout(this.timer);
    const url = new URL('/v1/watch', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('flat', '1');
    if (this.options.session) url.searchParams.set('session', this.options.session);
    if (this.options.token) url.searchParams.set('token', this.options.token);
    let socket;
    try {
      socket = new WebSocket(url);
    } catch {
      this.again();
      return;
    }
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return;
      let message;
      try {
        message = JSON.parse(data);
      } catch {
        return; // one bad message must not stop a show
      }
      this.connected = true;
      this.retry = 0;
      if (message && typeof message === 'object') this.receive(message);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.connected = false;
      this.again();
    };
  }

  again() {
    // Some chance in the waiting, so that twenty walls do not come back at once.
    const wait = Math.min(8000, 400 * 2 ** this.retry) * (0.75 + 0.5 * Math.random());
    this.retry += 1;
    this.timer = setTimeout(() => {
      this.palette.load(this.options.token); // the server may have come back with another
      this.connect();
    }, wait);
  }

  hurry() {
    if (this.socket && this.socket.readyState > WebSocket.OPEN) {
      this.retry = 0;
      this.connect();
    }
  }

  receive(message) {
    if (Array.isArray(message.labels)) this.setLabels(message.labels);
    if (message.type === 'session.closed' || message.type === 'watch.started') {
      this.heard = -Infinity;
      return;
    }
    if (message.type !== undefined || typeof message.alive !== 'number') return;
    if (!this.labels.length) {
      // A server that did not say: every label has a `raw_` beside it.
      this.setLabels(Object.keys(message).filter((k) => k.startsWith('raw_')).map((k) => k.slice(4)));
    }
    const target = this.target;
    target.p = this.labels.map((name) => clamp(number(message[name]), 0, 1));
    target.level = clamp(number(message.level), 0, 1);
    target.speech = number(message.speech) > 0 ? 1 : 0;
    // Without voice the pitch stays where it was: a picture that jumps at every consonant
    // would flicker.
    if (number(message.pitch) > 0) target.pitch = message.pitch;
    target.valence = clamp(number(message.valence), -1, 1);
    target.arousal = clamp(number(message.arousal), -1, 1);
    target.unfamiliarity = number(message.unfamiliarity);
    this.label = this.labels[message.label] ?? null;
    this.heard = performance.now();
  }

  setLabels(labels) {
    const names = labels.map(String);
    if (names.join('\n') === this.labels.join('\n')) return;
    this.labels = names;
    this.p = names.map(() => 0);
    this.target.p = names.map(() => 0);
    for (const slot of this.slots) slot.index = -1;
  }

  // ---- every frame ----------------------------------------------------------------

  update(dt) {
    const view = this.view;
    const target = this.target;
    // Two seconds without numbers is silence: the session is over, or the line is dead.
    const there = performance.now() - this.heard < 2000;
    const speech = there ? target.speech : 0;
    const level = there ? target.level : 0;
    if (!there) this.label = null;

    for (let i = 0; i < this.p.length; i++) {
      this.p[i] = ease(this.p[i], there ? target.p[i] : 0, dt, there ? 0.35 : 1.2);
    }
    view.level = ease(view.level, level * (0.25 + 0.75 * speech), dt, level > view.level ? 0.12 : 0.6);
    view.punch = ease(view.punch, level * speech, dt, level > view.punch ? 0.05 : 0.22);
    view.speech = ease(view.speech, speech, dt, speech > view.speech ? 0.25 : 1.6);
    // 75 to 450 Hz, by octaves, as the ear does.
    const height = clamp(Math.log2(Math.max(target.pitch, 1) / 75) / Math.log2(6), 0, 1);
    view.pitch = ease(view.pitch, speech && target.pitch ? height : 0.3, dt, speech ? 0.45 : 3);
    view.valence = ease(view.valence, speech ? target.valence : 0.15, dt, speech ? 0.7 : 2.5);
    view.arousal = ease(view.arousal, speech ? 0.5 + 0.5 * target.arousal : 0.12, dt, speech ? 0.6 : 2);
    view.unfamiliar = ease(view.unfamiliar, speech ? step(0.9, 1.8, target.unfamiliarity) : 0, dt, 0.8);
    view.energy = 0.1 + view.speech * (0.22 + 0.68 * Math.min(1, 1.25 * view.level ** 0.8));

    const calm = this.options.calm ? 0.3 : 1;
    const wanted = 0.13 + view.speech * (0.1 + 1.5 * view.arousal ** 1.7 + 0.25 * view.level);
    this.speed = ease(this.speed, wanted * calm, dt, 0.5);
    view.phase = (view.phase + dt * this.speed) % TURN;
    view.time = (view.time + dt * calm) % TURN;
    if (this.options.calm) view.punch = view.level; // no flashes at every syllable either

    this.colour(dt);
    return view;
  }

  colour(dt) {
    const { slots, p, view } = this;
    // The strongest emotions. One that is already seen keeps its place in the picture;
    // a newcomer takes the place of the weakest that is no longer among them.
    const best = p.map((_, i) => i).sort((a, b) => p[b] - p[a]).slice(0, SLOTS);
    const homeless = best.filter((i) => !slots.some((slot) => slot.index === i));
    const free = slots.filter((slot) => !best.includes(slot.index)).sort((a, b) => a.weight - b.weight);
    for (const i of homeless) {
      const slot = free.shift();
      if (!slot) break;
      const old = slot.index < 0 ? 0 : p[slot.index];
      if (p[i] > old + 0.04) slot.index = i;
    }

    let sum = 0;
    let mixed = [0, 0, 0];
    const grey = 1 - 0.9 * view.unfamiliar;
    slots.forEach((slot, k) => {
      const strength = slot.index < 0 ? 0 : p[slot.index];
      slot.weight = ease(slot.weight, strength, dt, 0.3);
      const presence = step(0.01, 0.12, slot.weight) * Math.min(1, view.speech * 1.4);
      const own = slot.index < 0 ? NIGHT[k] : this.palette.of(this.labels[slot.index]);
      const wanted = mixLab(NIGHT[k], own, presence);
      slot.lab = slot.lab.map((v, i) => ease(v, wanted[i], dt, 0.45));
      sum += slot.weight;
    });
    // Weights of the regions: what is heard, and even thirds as far as nothing is.
    const heard = Math.min(1, sum * 1.4) * Math.min(1, view.speech * 1.4);
    slots.forEach((slot, k) => {
      const share = (sum > 0.001 ? slot.weight / sum : 0) * heard + (1 - heard) / SLOTS;
      view.weights[k] = share;
      const lab = [slot.lab[0], slot.lab[1] * grey, slot.lab[2] * grey];
      view.colours.set(labToLinear(lab), 3 * k);
      view.seconds.set(labToLinear(companion(lab)), 3 * k);
      mixed = mixed.map((v, i) => v + share * lab[i]);
    });
    view.mix = labToLinear(mixed);
    view.back = labToLinear(this.palette.silence);
    view.css = linearToCss(view.mix);
  }
}
