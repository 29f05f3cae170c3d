// Sound from a microphone, or from a recording that is played: blocks of mono samples at
// the rate of the browser's own context. The server resamples; some browsers cannot.

import { t } from './texts.js';
import { $, element, remember, say } from './ui.js';

const PROCESSING = ['autoGainControl', 'noiseSuppression', 'echoCancellation'];

export class MicrophoneError extends Error {}

export const secure = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.AudioWorkletNode);

export class Sound {
  // `on` has block(samples), ended(), and paused(bool).
  constructor(on) {
    this.on = on;
  }

  // Must run inside a click: Safari starts a context only then.
  async open() {
    this.context = new AudioContext();
    this.rate = this.context.sampleRate;
    const running = this.context.resume();
    this.context.onstatechange = () => this.watch();
    await this.context.audioWorklet.addModule('worklet.js');
    this.collector = new AudioWorkletNode(this.context, 'collector', { numberOfOutputs: 1, outputChannelCount: [1] });
    this.collector.port.onmessage = ({ data }) => {
      if (data === 'finished') this.finished?.();
      else this.on.block(data);
    };
    this.analyser = new AnalyserNode(this.context, { fftSize: 2048, smoothingTimeConstant: 0, minDecibels: -95, maxDecibels: -20 });
    // Nothing comes out of the collector; the connection keeps it running.
    this.collector.connect(this.context.destination);
    await running;
  }

  watch() {
    if (this.closing) return;
    // Safari says "interrupted" when a call comes or the page is in the background.
    this.on.paused(this.context.state === 'suspended' || this.context.state === 'interrupted');
  }

  resume() {
    return this.context.resume();
  }

  async microphone(deviceId) {
    const wanted = Object.fromEntries(PROCESSING.map((name) => [name, false]));
    // "ideal" rather than "exact": a microphone that is gone must not stop the show.
    if (deviceId) wanted.deviceId = { ideal: deviceId };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      throw new MicrophoneError(words(error));
    }
    if (this.closing) { for (const track of stream.getTracks()) track.stop(); return; }
    this.unplug();
    this.stream = stream;
    const [track] = stream.getAudioTracks();
    track.onended = () => { if (this.stream === stream && !this.closing) this.on.ended(); };
    this.source = new MediaStreamAudioSourceNode(this.context, { mediaStream: stream });
    this.source.connect(this.collector);
    this.source.connect(this.analyser);
    report(track, this.rate);
    await listDevices();
  }

  // Plays a recording and listens to it at the same time.
  async recording(bytes) {
    const buffer = await this.context.decodeAudioData(bytes);
    this.source = new AudioBufferSourceNode(this.context, { buffer });
    for (const to of [this.collector, this.analyser, this.context.destination]) this.source.connect(to);
    this.source.onended = () => { if (!this.closing) this.on.ended(); };
  }

  play() {
    this.source.start();
  }

  unplug() {
    this.source?.disconnect();
    for (const track of this.stream?.getTracks() || []) track.stop();
    this.stream = null;
  }

  // The last block, then silence. A context that does not run cannot answer: do not wait.
  async close() {
    if (this.closing) return;
    this.closing = true;
    if (this.collector && this.context.state === 'running') {
      await new Promise((done) => {
        this.finished = done;
        setTimeout(done, 500);
        this.collector.port.postMessage('finish');
      });
    }
    this.unplug();
    if (this.context && this.context.state !== 'closed') await this.context.close();
  }
}

function words(error) {
  switch (error.name) {
    case 'NotAllowedError': case 'SecurityError': return t('micDenied');
    case 'NotFoundError': case 'OverconstrainedError': return t('micNone');
    case 'NotReadableError': case 'AbortError': return t('micBusy');
    default: return t('micFailed', { why: error.message || error.name });
  }
}

// ---- what the browser really does -------------------------------------------------------

let lastReport = null;

function report(track, rate) {
  const settings = track.getSettings();
  lastReport = {
    name: track.label || t('device'),
    rate,
    on: PROCESSING.filter((name) => settings[name]),
    told: PROCESSING.some((name) => name in settings),
  };
  showReport();
}

export function showReport() {
  const line = $('mic-report');
  if (!lastReport) { say(line, 'micUnknown'); return; }
  const { name, rate, on, told } = lastReport;
  delete line.dataset.t;
  line.classList.toggle('warn', on.length > 0);
  if (on.length) line.textContent = t('micAltered', { name, rate, what: on.map((key) => t(key)).join(t('and')) });
  else line.textContent = t(told ? 'micGood' : 'micUntold', { name, rate });
}

// ---- which microphones there are --------------------------------------------------------

export async function listDevices() {
  const select = $('device');
  if (!navigator.mediaDevices?.enumerateDevices) { select.disabled = true; return; }
  let devices = [];
  try { devices = await navigator.mediaDevices.enumerateDevices(); } catch { return; }
  // Before the first permission browsers give neither names nor ids. Chromium also lists
  // the default one twice; the first choice of the list is that one already.
  const inputs = devices.filter((d) => d.kind === 'audioinput' && d.deviceId && d.deviceId !== 'default');
  const chosen = select.value || remember.get('device') || '';
  const first = element('option', { value: '', 'data-t': 'deviceDefault' }, t('deviceDefault'));
  select.replaceChildren(first, ...inputs.map((d, i) => (
    element('option', { value: d.deviceId }, d.label || t('deviceUnnamed', { n: i + 1 })))));
  select.value = inputs.some((d) => d.deviceId === chosen) ? chosen : '';
}
