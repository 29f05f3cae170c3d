// The live session: sound goes to the server, answers come back and are shown.

import { t } from './texts.js';
import { $, ask, notify, settle, remember } from './ui.js';
import { ListenSocket } from './socket.js';
import { Sound, MicrophoneError, secure } from './microphone.js';
import { animate } from './curves.js';
import * as view from './view.js';

const HOUR = 3600;

// What is known of the session. Times are on one clock, also over a lost connection.
export const session = {
  state: 'idle', name: null, labels: [], measurements: [], utterances: [], distinct: [], models: [],
};

let sound = null;
let socket = null;
let began = 0; // performance.now() at the start of the session
let offset = 0; // where the server's present session begins on our clock
let stopDrawing = () => {};
let waitForMicrophone = false;
let pictures = null;

export const now = () => (performance.now() - began) / 1000;
export const busy = () => session.state !== 'idle';

export function setup(curves, spectrogram) {
  pictures = { curves, spectrogram };
  $('start').addEventListener('click', () => begin('microphone'));
  $('example').addEventListener('click', () => begin('example'));
  $('stop').addEventListener('click', stop);
  $('reset').addEventListener('click', () => {
    if (socket?.command({ type: 'reset' })) notify(t('resetDone'), { key: 'reset' });
  });
  $('device').addEventListener('change', async () => {
    remember.set('device', $('device').value);
    if (sound && session.source === 'microphone') await plugIn();
  });
  navigator.mediaDevices?.addEventListener?.('devicechange', () => { if (waitForMicrophone) plugIn(); });
}

async function begin(source) {
  if (busy()) return;
  if (source === 'microphone' && !secure()) { notify(t('insecure'), { key: 'mic', problem: true }); return; }
  for (const key of ['mic', 'live', 'paused']) settle(key);
  Object.assign(session, { name: null, measurements: [], utterances: [], distinct: [], source, labels: session.labels });
  offset = 0;
  began = performance.now();
  waitForMicrophone = false;
  state('opening');
  view.fresh(session);
  pictures.spectrogram.clear();
  const mine = new Sound({
    block: (block) => { if (socket) { socket.sound(block); view.loudness(block); } },
    ended: () => (source === 'example' ? stop() : gone()),
    paused,
  });
  sound = mine;
  try {
    await mine.open();
    if (source === 'microphone') await mine.microphone($('device').value);
    else await mine.recording(await (await ask('example.wav')).arrayBuffer());
    if (sound !== mine || mine.closing) return; // stopped while the browser was asking
    state('connecting');
    connect();
  } catch (error) {
    if (sound !== mine || mine.closing) return;
    await finish();
    const why = error.message || String(error);
    const text = error instanceof MicrophoneError ? why
      : t(source === 'example' ? 'exampleFailed' : 'micFailed', { why });
    notify(text, { key: 'mic', problem: true });
  }
}

function connect() {
  socket = new ListenSocket(settings, {
    message: receive,
    open: (again) => {
      offset = again ? now() : 0;
      if (again) { settle('live'); notify(t('reconnected'), { key: 'live' }); }
      else start();
      state(session.source === 'example' ? 'playing' : 'listening');
    },
    lost: (seconds, code) => {
      state('lost');
      view.unsettled();
      const first = code === 1001 ? `${t('stopping')} ` : '';
      notify(first + t('reconnect', { n: seconds }), { key: 'live', problem: true });
    },
    failed: async (why) => {
      await finish();
      notify(why || t('unreachable'), { key: 'live', problem: true });
    },
    slow: () => notify(t('tooSlow'), { key: 'slow' }),
  });
  socket.connect();
}

function start() {
  began = performance.now();
  if (session.source === 'example') sound.play();
  pictures.spectrogram.begin(sound.analyser);
  stopDrawing();
  stopDrawing = animate(() => {
    // The answer is a little behind the sound; the curves end where the answers do.
    const last = session.measurements.at(-1);
    const time = last ? Math.max(last.end, Math.min(now(), last.end + (performance.now() - last.at) / 1000)) : now();
    pictures.curves.draw(time);
    pictures.spectrogram.draw(now(), last?.label);
  });
}

// What the server is told before any sound. A model or speaker that it no longer has would
// be an error, so only what it offers is asked for.
function settings(created) {
  session.models = (created.models || []).map((m) => (typeof m === 'string' ? m : m.name));
  view.offerModels(session.models);
  const wishes = { format: 'f32le', rate: Math.round(sound.rate), channels: 1 };
  wishes.quick = $('quick').checked;
  wishes.learn = $('learn').checked;
  const names = (created.speakers || []).map((s) => (typeof s === 'string' ? s : s.name));
  if ($('model').value && session.models.includes($('model').value)) wishes.model = $('model').value;
  if ($('speaker').value && names.includes($('speaker').value)) wishes.speaker = $('speaker').value;
  return wishes;
}

const keepers = [];
export const onSaved = (listener) => keepers.push(listener);
export const keepVoice = (name) => Boolean(socket?.command({ type: 'speaker.save', name }));

function receive(message) {
  switch (message.type) {
    case 'session.created':
    case 'session.updated':
      if (message.session) session.name = message.session;
      if (message.labels) session.labels = message.labels;
      view.named(session);
      break;
    case 'measurement': measured(message); break;
    case 'utterance.end': {
      const piece = { ...message, start: message.start + offset, end: message.end + offset };
      session.utterances.push(piece);
      if (session.utterances.length > 5000) session.utterances.shift();
      view.utterance(session, piece);
      break;
    }
    case 'speaker.saved': for (const listener of keepers) listener(message); break;
    case 'warning': notify(message.message || message.code, { key: 'warning' }); break;
    default: // utterance.start and session.closed need no picture of their own
  }
}

function measured(message) {
  const m = {
    start: message.audio_start + offset, end: message.audio_end + offset, at: performance.now(),
    label: message.label ?? null, verdict: message.verdict, speech: message.speech,
    probabilities: message.probabilities || {}, unfamiliarity: message.unfamiliarity,
    level: message.level_db, pitch: message.pitch_hz,
  };
  const all = session.measurements;
  all.push(m);
  // An hour is kept. Trimming once a minute is cheaper than moving the array each time.
  if (m.end - all[0].end > HOUR + 60) all.splice(0, all.findIndex((x) => x.end >= m.end - HOUR));
  if (!session.distinct.length || session.distinct.at(-1) !== m.label) {
    session.distinct.push(m.label);
    if (session.distinct.length > 10000) session.distinct.shift();
  }
  view.measurement(session, m, message);
}

// ---- the microphone comes and goes --------------------------------------------------------

function gone() {
  waitForMicrophone = true;
  notify(t('micGone'), { key: 'mic', problem: true });
  plugIn();
}

async function plugIn() {
  const lost = waitForMicrophone;
  try {
    await sound.microphone($('device').value);
    waitForMicrophone = false;
    settle('mic');
    if (lost) notify(t('micBack'), { key: 'mic' });
  } catch (error) {
    if (!lost) notify(error.message, { key: 'mic', problem: true });
  }
}

function paused(yes) {
  if (!yes) { settle('paused'); return; }
  if (!busy()) return;
  notify(t('paused'), { key: 'paused', problem: true, action: { text: t('goOn'), run: () => sound?.resume() } });
}

// ---- the end ------------------------------------------------------------------------------

export async function stop() {
  if (!busy() || session.state === 'closing') return;
  state('closing');
  // First the last block of sound, then goodbye: the server answers about all of it.
  const mine = sound;
  await mine?.close();
  await socket?.close();
  await finish();
}

async function finish() {
  stopDrawing();
  stopDrawing = () => {};
  socket?.end();
  socket = null;
  const mine = sound;
  sound = null;
  await mine?.close();
  for (const key of ['live', 'paused']) settle(key);
  state('idle');
  view.unsettled();
}

function state(next) {
  session.state = next;
  view.state(session);
}
