// The connection to /v1/listen: settings first, then sound, and a new try when it breaks.

import { token, ask, ServerError } from './ui.js';

// What may wait to be sent. More means that the network is slower than the sound, and old
// sound is worth nothing for a live answer.
const MOST_WAITING = 2 * 1024 * 1024;
const CLOSING_SECONDS = 5;
const LONGEST_WAIT = 10;

export class ListenSocket {
  // `settings(created)` gives the session.update, `on` has message(m), open(again),
  // lost(seconds), failed(text) and slow().
  constructor(settings, on) {
    this.settings = settings;
    this.on = on;
    this.tries = 0;
    this.ready = false;
    this.finished = false;
    this.everOpen = false;
    this.hurry = () => { if (!document.hidden) this.retryNow(); };
    addEventListener('online', this.hurry);
    document.addEventListener('visibilitychange', this.hurry);
  }

  connect() {
    const url = new URL('v1/listen', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.search = token ? `?token=${encodeURIComponent(token)}` : '';
    url.hash = '';
    this.ready = false;
    this.refused = null;
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onmessage = (event) => this.receive(socket, event.data);
    socket.onclose = (event) => this.broken(socket, event);
  }

  receive(socket, data) {
    if (socket !== this.socket || typeof data !== 'string') return;
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (message.type === 'session.created') {
      socket.send(JSON.stringify({ type: 'session.update', ...this.settings(message) }));
      this.ready = true;
      const again = this.everOpen;
      this.everOpen = true;
      this.tries = 0;
      this.on.open(again, message);
    } else if (message.type === 'error') {
      // The server closes after an error. The same settings would fail again, so no new try.
      this.refused = message.message || message.code;
    } else if (message.type === 'session.closed') {
      this.closed?.();
    }
    this.on.message(message);
  }

  async broken(socket, event) {
    if (socket !== this.socket) return;
    this.ready = false;
    this.closed?.();
    if (this.finished) return;
    if (this.refused) { this.end(); this.on.failed(this.refused); return; }
    if (!this.everOpen) {
      // A browser hides why a WebSocket was refused. An ordinary request tells.
      const why = await this.whyRefused();
      if (this.finished) return;
      this.end();
      this.on.failed(why || event.reason);
      return;
    }
    const seconds = Math.min(LONGEST_WAIT, 2 ** this.tries);
    this.tries += 1;
    this.on.lost(seconds, event.code);
    this.timer = setTimeout(() => this.connect(), 1000 * seconds);
  }

  async whyRefused() {
    try {
      await ask('v1/speakers');
      return '';
    } catch (error) {
      return error instanceof ServerError ? error.message : String(error);
    }
  }

  retryNow() {
    if (this.finished || this.ready || !this.timer || this.socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.timer);
    this.connect();
  }

  // Sound as 32-bit floats. What cannot be sent in time is left out.
  sound(block) {
    if (!this.ready || this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MOST_WAITING) { this.on.slow(); return; }
    this.socket.send(block.buffer);
  }

  command(message) {
    if (!this.ready || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  // Says goodbye and waits for the last verdict.
  async close() {
    clearTimeout(this.timer);
    if (this.command({ type: 'session.close' })) {
      await new Promise((done) => {
        this.closed = done;
        setTimeout(done, 1000 * CLOSING_SECONDS);
      });
    }
    this.end();
  }

  end() {
    this.finished = true;
    clearTimeout(this.timer);
    removeEventListener('online', this.hurry);
    document.removeEventListener('visibilitychange', this.hurry);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) this.socket.close(1000);
  }
}
