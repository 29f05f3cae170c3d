// Ink in dark water: noise that is warped by noise that is warped by noise. Every emotion
// is a drop with a place of its own; where two meet, they curl around each other.

export default {
  name: 'ink',
  glsl: `
vec3 scene(vec2 p) {
  float jag = smoothstep(0.2, -0.75, uValence);
  float fine = mix(0.75, 1.7, uPitch);
  vec2 x = p * fine;
  vec2 q = fbm2(x + flow(0.13) + 1.0);
  vec2 r = fbm2(x + (1.25 + 0.5 * uArousal) * q + flow(0.21).yx * vec2(1, -1) + 8.3);
  float f = fbm(x * 1.1 + 1.7 * r + flow(0.1));
  // Threads: where the last noise passes its middle. Jagged voices get hard, broken ones.
  float thread = 1.0 - abs(2.0 * f - 1.0);
  float fold = length(q) * 0.6 + 0.4 * r.y;

  // The homes of the drops move on slow paths; the water carries their borders along.
  vec2 here = p + 0.62 * r + 0.30 * q;
  vec3 near;
  for (int i = 0; i < 3; i++) {
    float a = 2.0944 * float(i) + uPhase * 0.09 + 0.5;
    vec2 home = vec2(1.02, 0.48) * vec2(cos(a), sin(a)) + 0.12 * vec2(sin(uPhase * 0.23 + a), cos(uPhase * 0.31));
    // A strong emotion is drawn to the middle, and is large there.
    home *= 1.0 - 0.6 * uWeight[i];
    vec2 d = (here - home) * vec2(0.8, 1.0);
    near[i] = exp(-dot(d, d) * 1.1);
  }
  vec3 who = owners(near, 3.2);

  // How far the ink has spread.
  float reach = mix(0.62, 1.6, uEnergy) + 0.18 * uPunch;
  float spread = smoothstep(reach, reach * 0.12, length((p + 0.42 * r + 0.2 * q) * vec2(0.72, 1.0)));
  float smoke = smoothstep(0.26, 0.98, 0.55 * f + 0.45 * (0.5 + 0.5 * r.x) + 0.15 * fold);
  float cloud = spread * mix(smoke, smoke * smoke * 1.25, 0.6);
  float sharp = mix(5.0, 15.0, max(jag, 0.75 * uArousal));
  float veins = pow(thread, sharp) * spread;
  float shade = smoothstep(-0.7, 0.9, r.y + 0.6 * q.x);

  vec3 tint = mix(second(who) * 0.75, first(who), shade);
  vec3 light = tint * cloud * (0.25 + 2.0 * uEnergy) * (0.35 + 0.9 * shade);
  light += mix(first(who), vec3(1), 0.07) * veins * (0.06 + 0.95 * uEnergy) * (0.35 + cloud);
  // Deep folds swallow light: this gives the clouds their body.
  light *= mix(1.0, 0.06, smoothstep(0.60, 0.22, f) * (0.75 + 0.25 * jag));
  light += tint * 0.05 * spread * (0.3 + uEnergy);
  light += vec3(0.001, 0.002, 0.005) * (1.0 - uClear);
  return light * (1.0 - 0.25 * smoothstep(0.6, 2.2, length(p)));
}
`,
};
