// Collects the sound in blocks and hands them to the page. A block of 2048 samples is about
// 45 ms: short enough to be prompt, long enough not to flood the socket.

const BLOCK = 2048;

class Collector extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
    this.running = true;
    this.port.onmessage = (event) => {
      if (event.data !== 'finish') return;
      // The last, incomplete block belongs to the sound as well.
      this.post(this.block.slice(0, this.filled));
      this.running = false;
      this.port.postMessage('finished');
    };
  }

  post(block) {
    if (block.length) this.port.postMessage(block, [block.buffer]);
  }

  process(inputs) {
    if (!this.running) return false;
    const channels = inputs[0];
    // Between two microphones there is no input. Silence keeps the clock of the session going.
    const length = channels.length ? channels[0].length : 128;
    for (let i = 0; i < length; i += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.block[this.filled] = channels.length ? sum / channels.length : 0;
      this.filled += 1;
      if (this.filled === BLOCK) {
        this.post(this.block);
        this.block = new Float32Array(BLOCK);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('collector', Collector);
