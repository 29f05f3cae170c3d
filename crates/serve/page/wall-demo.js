// A synthetic voice for `?demo`: the same flat messages as the server's, without a server.
// `?demo=angry` or `?demo=angry,happy` holds one mixture; `?demo=silence` nobody speaks.

// Rough places of well-known emotions (valence, arousal, pitch in Hz). Names that are not
// here sit in the middle.
const PLACES = {
  neutral: [0, -0.1, 130], calm: [0.4, -0.6, 120], happy: [0.8, 0.6, 260],
  sad: [-0.6, -0.6, 140], angry: [-0.8, 0.9, 230], fearful: [-0.7, 0.7, 320],
  disgust: [-0.7, 0.2, 150], surprised: [0.3, 0.8, 350],
};

export function demo(labels, wish, deliver) {
  const held = wish ? wish.split(',').map((name) => name.trim()).filter(Boolean) : [];
  const start = performance.now();
  let alive = 0;
  deliver({ type: 'watch.started', session: 'demo', labels });

  const timer = setInterval(() => {
    const t = (performance.now() - start) / 1000;
    const p = held.length ? fixed(labels, held) : wandering(labels, t);
    // Ten seconds of speech, three of silence; syllables and phrases within.
    const speaks = held.length ? held[0] !== 'silence' : t % 13 < 10;
    const syllables = 0.5 + 0.5 * Math.sin(t * 11 + 2 * Math.sin(t * 2.3));
    const phrase = 0.75 + 0.25 * Math.sin(t * 1.1);
    let valence = 0;
    let arousal = 0;
    let pitch = 0;
    let sum = 0;
    for (let i = 0; i < labels.length; i++) {
      const [v, a, hz] = PLACES[labels[i]] || [0, 0, 180];
      valence += p[i] * v;
      arousal += p[i] * a;
      pitch += p[i] * hz;
      sum += p[i];
    }
    const best = p.indexOf(Math.max(...p));
    const message = {
      t,
      label: speaks && p[best] > 0.55 ? best : -1,
      confidence: speaks ? p[best] : 0,
      speech: speaks ? 1 : 0,
      level: speaks ? Math.min(1, (0.55 + 0.2 * arousal) * phrase * (0.6 + 0.5 * syllables)) : 0.02,
      pitch: speaks && sum > 0 ? (pitch / sum) * (1 + 0.12 * Math.sin(t * 3.1)) : 0,
      valence: speaks ? valence : 0,
      arousal: speaks ? arousal : 0,
      unfamiliarity: 0.4,
      lag: 0,
      alive: alive++,
    };
    labels.forEach((name, i) => {
      message[name] = speaks ? p[i] : 0;
      message[`raw_${name}`] = message[name];
    });
    deliver(message);
  }, 50);
  return () => clearInterval(timer);
}

function fixed(labels, held) {
  // The first named is the strongest: .62 and .38 for two.
  const shares = { 1: [0.95], 2: [0.6, 0.38] }[held.length] || [0.45, 0.3, 0.22];
  return labels.map((name) => {
    const place = held.indexOf(name);
    return place >= 0 && place < shares.length ? shares[place] : 0.01;
  });
}

function wandering(labels, t) {
  // Every label has its own slow wave; a steep power lets one to three of them lead.
  const p = labels.map((_, i) => {
    const wave = Math.sin(t * 0.31 - (i * 2 * Math.PI * 3) / labels.length) + 0.5 * Math.sin(t * 0.17 + i * 2.4);
    return Math.exp(3.2 * wave);
  });
  const sum = p.reduce((a, b) => a + b, 0);
  return p.map((v) => v / sum);
}
