// Ribbons of silk threads on a dark stage, as if the voice ran along them. Each emotion is
// a ribbon; level is how wide it swings, pitch how many waves, valence whether they bend
// or break.

export default {
  name: 'silk',
  glsl: `
// A wave that goes from round to pointed.
float wave(float x, float jag) {
  return mix(sin(x), 1.0 - 4.0 * abs(fract(x * 0.1591549 + 0.25) - 0.5), jag);
}

vec3 scene(vec2 p) {
  float jag = smoothstep(0.2, -0.6, uValence);
  float waves = mix(0.9, 2.9, uPitch);
  float swing = mix(0.16, 0.62, uEnergy) + 0.10 * uPunch;
  vec3 light = vec3(0);
  vec2 warp = fbm2(p * 0.5 + flow(0.15)) * 0.22;
  float x = p.x + warp.x;
  // The ends are tied: threads meet outside the picture.
  float open = 0.30 + 0.70 * exp(-0.30 * x * x);
  for (int k = 0; k < 3; k++) {
    float n = float(k);
    vec3 own = vec3(k == 0, k == 1, k == 2);
    vec3 who = owners(0.16 + own + 0.25 * sin(x * 1.3 + uPhase * 0.13 + vec3(0.0, 2.1, 4.2)) * (1.0 - own) * 0.5, 3.0);
    float mine = mix(0.45, 1.0, smoothstep(0.0, 0.55, uWeight[k]));
    float t = uPhase * (0.8 + 0.1 * n) + n * 2.3;
    float middle = 0.34 * (n - 1.0) * open + warp.y * 1.5;
    for (int i = 0; i < 13; i++) {
      float s = float(i) / 12.0;
      // Neighbours lag a little: together they look like cloth that turns.
      float lag = s * (1.5 + 0.5 * n);
      float y = middle
        + swing * open * mine * (0.62 * wave(x * waves + t + lag, jag)
        + 0.30 * wave(x * waves * 2.3 - t * 1.3 + lag * 1.7 + n, jag)
        + mix(0.03, 0.13, uArousal) * wave(x * waves * 6.1 + t * 2.0 + lag * 3.0, jag))
        + (s - 0.5) * 0.30 * sin(x * 0.8 + t * 0.5 + n * 1.9);
      float d = abs(p.y - y);
      float thin = 0.0028 + 0.0022 * (1.0 - uArousal);
      float glow = thin / (d + thin);
      float shine = 0.35 + 0.65 * pow(0.5 + 0.5 * sin(x * 2.2 - t * 1.2 + s * 5.0 + n), 2.0);
      light += mix(first(who), second(who), s) * (glow * glow * 0.85 + glow * 0.085) * shine * mine;
    }
  }
  light *= 0.22 + 1.15 * uEnergy;
  vec3 haze = first(owners(0.55 + 0.45 * sin(x * 1.1 + uPhase * 0.11 + vec3(0.0, 2.1, 4.2)), 2.0));
  light += haze * (0.01 + 0.08 * uEnergy) * exp(-p.y * p.y * 2.2 - 0.25 * p.x * p.x);
  light += vec3(0.0012, 0.0018, 0.004) * (1.0 - uClear);
  return light * (1.0 - 0.35 * smoothstep(0.9, 2.3, length(p)));
}
`,
};
