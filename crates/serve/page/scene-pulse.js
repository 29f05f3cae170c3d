// A creature of concentric membranes that breathes. Level is how far it opens, pitch how
// many membranes it has, arousal how quick and sharp it is; valence makes it round or
// jagged. Emotions are sectors that wind around the middle.

export default {
  name: 'pulse',
  glsl: `
// The outline of a membrane: how far it leaves the circle in a direction.
float outline(vec2 dir, float lag) {
  float t = uPhase * 1.1 - lag;
  vec2 o = dir * 1.15 + vec2(sin(t * 0.5), cos(t * 0.4)) * 0.7 + lag * 0.25 + 5.0;
  float soft = noise(o) - 0.5;
  vec2 o2 = dir * mix(2.2, 5.5, uPitch) + vec2(cos(t * 0.8), sin(t * 0.7)) * 0.9 + 9.0;
  float small = noise(o2) - 0.5;
  // Ridges instead of waves: thorns.
  float thorn = 1.0 - abs(2.0 * noise(dir * mix(3.0, 6.5, uPitch) + vec2(sin(t), cos(t * 0.9)) * 0.5 + 20.0) - 1.0);
  thorn = thorn * thorn - 0.4;
  float jag = smoothstep(0.15, -0.7, uValence);
  return soft * mix(0.30, 0.42, jag) + small * mix(0.05, 0.16, uArousal) + thorn * jag * (0.16 + 0.20 * uLevel);
}

vec3 scene(vec2 p) {
  float breath = 0.5 + 0.5 * sin(uPhase * 1.3);
  float size = mix(0.46, 0.80, uEnergy) * (0.94 + 0.07 * breath) + 0.09 * uPunch;
  float r = length(p);
  vec2 dir = r > 1e-4 ? p / r : vec2(1, 0);
  float angle = atan(p.y, p.x);

  // Sectors, wound up by the radius and softened by noise.
  float cloud = fbm(p * 1.6 + flow(0.12));
  float wind = angle + 1.5 * r + 3.0 * (cloud - 0.5) - uPhase * 0.16;
  vec3 near = 0.5 + 0.5 * cos(wind - vec3(0.0, 2.0944, 4.1888));
  vec3 who = owners(near + 0.10 + 1.1 * exp(-r * 3.5), 2.6);
  vec3 a = first(who), b = second(who);

  float count = mix(5.0, 12.0, uPitch);
  float sharp = mix(0.55, 1.35, uArousal);
  vec3 light = vec3(0);
  float inside = 0.0;
  for (int i = 0; i < 12; i++) {
    float n = float(i);
    float there = clamp(count - n, 0.0, 1.0);  // the last one fades in and out
    if (there <= 0.0) break;
    float s = (n + 0.7) / count;
    float radius = size * pow(s, 0.85);
    float wave = 1.0 + outline(dir, n * 0.42) * (0.25 + 0.95 * s);
    // A bulge that runs outwards with every syllable.
    wave += 0.05 * uPunch * sin(9.4 * s - uPhase * 3.8);
    float d = r - radius * wave;
    float thin = mix(0.016, 0.0065, uArousal) * (0.7 + 0.8 * s);
    float line = thin / (abs(d) + thin * 0.9);
    line *= line * sharp;
    // Skin catches light on its outer side, and lets some through within.
    float skin = d < 0.0 ? exp(d * mix(7.0, 11.0, uArousal)) : exp(-d * 34.0);
    float gloss = 0.45 + 0.75 * smoothstep(-0.6, 0.9, dot(dir, vec2(0.45, 0.8)) + 0.5 * sin(angle * 2.0 + n + uPhase * 0.4));
    vec3 tint = mix(a, b, 0.5 + 0.5 * sin(n * 1.3 + uPhase * 0.3));
    light += tint * (line * 0.55 * gloss + skin * 0.17 * gloss) * there * (1.15 - 0.45 * s);
    inside += there * smoothstep(0.02, -0.12, d) / count;
  }
  float power = 0.22 + 1.5 * uEnergy;
  light *= power;
  // Flesh, and the heart.
  light += a * inside * inside * (0.08 + 0.55 * uEnergy) * (0.35 + 1.1 * cloud);
  float heart = exp(-r * r / (size * size * (0.02 + 0.03 * breath + 0.05 * uPunch)));
  light += mix(first(owners(vec3(1), 3.0)), vec3(1), 0.12) * heart * (0.12 + 1.1 * uEnergy);
  // A halo in the water around it.
  light += mix(a, b, 0.5) * (0.015 + 0.22 * uEnergy) * exp(-max(r - 0.5 * size, 0.0) * 3.4) * (0.5 + cloud);
  light += vec3(0.0012, 0.0018, 0.004) * (1.0 - uClear);
  return light;
}
`,
};
