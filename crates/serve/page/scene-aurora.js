// Curtains of northern light over still water. Each of the three emotions hangs in its own
// curtain; level makes them tall and bright, pitch makes their rays fine, a negative
// valence turns soft folds into sharp ones.

export default {
  name: 'aurora',
  glsl: `
const float SHORE = -0.58;

vec3 sky(vec2 p, float calm) {
  float fine = mix(1.6, 6.0, uPitch);
  float jag = smoothstep(0.25, -0.7, uValence);
  vec2 drift = flow(0.22);
  vec2 w = fbm2(p * vec2(0.42, 0.30) + drift * 0.5 + 3.0);
  float reach = mix(0.34, 1.25, uEnergy) * (0.92 + 0.25 * uPunch);
  vec3 light = vec3(0);
  for (int i = 0; i < 3; i++) {
    float n = float(i);
    // The warp folds the curtain: x runs back over itself.
    float x = p.x + w.x * (0.75 - 0.12 * n) + n * 1.9;
    float foot = -0.42 + 0.27 * n + 0.34 * w.y
      + 0.12 * sin(x * (1.1 + 0.3 * n) + uPhase * (0.31 + 0.07 * n) + n * 2.0);
    float h = p.y - foot;
    // Rays stand upright: noise that is stretched in height.
    vec2 q = vec2(x * fine + n * 31.0, p.y * 0.22) + drift * vec2(1.6, 0.5) * (n < 1.5 ? 1.0 : -1.0);
    float ray = 0.6 * noise(q) + 0.28 * noise(q * vec2(2.7, 1.5) + 7.0) + 0.12 * noise(q * vec2(7.1, 2.0) + 3.0);
    ray = mix(smoothstep(0.15, 0.9, ray), 1.0 - pow(abs(2.0 * ray - 1.0), 0.6), jag);
    float tall = reach * (0.35 + 0.95 * ray) * (0.8 + 0.5 * noise(vec2(x * 0.7 - drift.x, n * 9.0)));
    float edge = smoothstep(-0.10, 0.07, h);
    float body = edge * exp(-max(h, 0.0) / tall * 2.1);
    float hem = exp(-abs(h - 0.02) * 17.0) * (0.4 + ray);
    // Large patches come and go along the curtain.
    float patches = smoothstep(0.22, 0.75, noise(vec2(x * 0.55 + n * 5.0, 2.0 + n) + drift * 0.9));
    vec3 near = 1.0 - 0.55 * min(vec3(1), abs(n - vec3(0, 1, 2)));
    near *= 0.75 + 0.25 * sin(x * 0.9 + uPhase * 0.11 + vec3(0.0, 2.1, 4.2));
    vec3 who = owners(near, 4.0);
    vec3 tint = mix(first(who), second(who), smoothstep(0.0, 0.75 * reach, h + 0.15 * w.x));
    light += tint * (body * (0.22 + 1.5 * ray * ray) + 0.55 * hem * calm) * (0.12 + 0.88 * patches);
  }
  return light * (0.35 + 1.9 * uEnergy);
}

float stars(vec2 p) {
  vec2 q = p * 22.0, i = floor(q);
  vec2 r = hash2(i + 57.0);
  float d = length(q - i - 0.2 - 0.6 * r);
  float blink = 0.6 + 0.4 * sin(uTime * (0.5 + 0.01 * floor(90.0 * r.x)) + 40.0 * r.y);
  return smoothstep(0.84, 1.0, hash(i + 9.0)) * exp(-d * d * 190.0) * blink;
}

vec3 scene(vec2 p) {
  p.y -= 0.03;
  float below = SHORE - p.y;
  vec2 q = p;
  float wet = smoothstep(-0.012, 0.012, below);
  if (below > -0.012) {
    // The water shows the sky upside down, stretched and trembling.
    float ripple = noise(vec2(p.x * 3.0, below * 60.0 / (0.6 + below)) + flow(0.5))
      + 0.5 * noise(vec2(p.x * 9.0, below * 140.0 / (0.6 + below)) - flow(0.7));
    q = vec2(p.x + (ripple - 0.75) * 0.16 * (0.25 + below), SHORE + below * 1.5 + (ripple - 0.75) * 0.09);
    q = mix(p, q, wet);
  }
  vec3 light = sky(q, 1.0 - 0.6 * wet);
  float shine = mix(1.0, 0.42 * exp(-1.2 * max(below, 0.0)), wet);
  light *= shine;
  // Haze where sky and water meet, and a night that is not quite black.
  vec3 haze = first(owners(0.55 + 0.45 * sin(p.x * 1.1 + uPhase * 0.11 + vec3(0.0, 2.1, 4.2)), 3.0));
  light += haze * (0.015 + 0.12 * uEnergy) * exp(-abs(p.y - SHORE) * 9.0);
  light += mix(vec3(0.002, 0.004, 0.010), uMix * 0.012, 0.4) * (1.0 - 0.5 * wet) * (1.0 - uClear);
  light += vec3(0.55, 0.62, 0.75) * stars(p) * (1.0 - wet) * exp(-9.0 * dot(light, vec3(0.33))) * smoothstep(SHORE, 0.2, p.y);
  return light;
}
`,
};
