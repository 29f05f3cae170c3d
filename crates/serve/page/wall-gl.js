// WebGL2 for the wall: one triangle over the whole picture, one program a scene, and a
// resolution that gives way when the machine cannot keep up.

const VERTEX = `#version 300 es
void main() {
  // A triangle that is larger than the picture, made from the number of its corner.
  vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// What every scene can use. A scene defines `vec3 scene(vec2 p)`: linear light at p, where
// y goes from -1 to 1 and x as far as the picture is wide.
const HEAD = `#version 300 es
precision highp float;
precision highp int;
out vec4 outColour;
uniform vec2 uSize;
uniform float uTime, uPhase, uLevel, uPunch, uPitch, uArousal, uValence, uSpeech, uEnergy, uFade, uSeed;
uniform float uClear;
uniform vec3 uColour[3];  // the strongest emotions
uniform vec3 uSecond[3];  // and the colour beside each
uniform vec3 uWeight;     // how strong; the sum is 1
uniform vec3 uMix, uBack;

float hash(vec2 p) {
  vec3 q = fract(vec3(p.xyx) * 0.1031);
  q += dot(q, q.yzx + 33.33);
  return fract((q.x + q.y) * q.z);
}
vec2 hash2(vec2 p) {
  vec3 q = fract(vec3(p.xyx) * vec3(0.1031, 0.1030, 0.0973));
  q += dot(q, q.yzx + 33.33);
  return fract((q.xx + q.yz) * q.zy);
}
float noise(vec2 p) {  // 0 to 1
  vec2 i = floor(p), f = p - i;
  f = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
  return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x),
             mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}
vec2 noise2(vec2 p) {
  vec2 i = floor(p), f = p - i;
  f = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
  return mix(mix(hash2(i), hash2(i + vec2(1, 0)), f.x),
             mix(hash2(i + vec2(0, 1)), hash2(i + vec2(1, 1)), f.x), f.y);
}
const mat2 TURN = mat2(1.6, 1.2, -1.2, 1.6);  // twice as fine, and turned, so no grid is seen
float fbm(vec2 p) {  // 0 to 1, five octaves
  float a = 0.5, s = 0.0;
  for (int i = 0; i < 5; i++) { s += a * noise(p); p = TURN * p + 17.3; a *= 0.5; }
  return s / 0.96875;
}
vec2 fbm2(vec2 p) {  // -1 to 1, four octaves
  float a = 0.5; vec2 s = vec2(0);
  for (int i = 0; i < 4; i++) { s += a * noise2(p); p = TURN * p + 11.7; a *= 0.5; }
  return s / 0.46875 - 1.0;
}
// Drift with a speed, on so large a circle that it looks straight: it comes back to its
// start exactly, and numbers never grow.
vec2 flow(float speed) {
  float a = uPhase * 0.01;
  return 100.0 * speed * vec2(cos(a), sin(a));
}
// Who owns a place: near says how near each emotion's home is. Sharp, so that two colours
// live side by side and do not become one.
vec3 owners(vec3 near, float sharp) {
  vec3 k = pow(near * (uWeight + 0.003), vec3(sharp)) + 1e-9;
  return k / (k.x + k.y + k.z);
}
vec3 first(vec3 o) { return uColour[0] * o.x + uColour[1] * o.y + uColour[2] * o.z; }
vec3 second(vec3 o) { return uSecond[0] * o.x + uSecond[1] * o.y + uSecond[2] * o.z; }
`;

const TAIL = `
float dither(vec2 p) {  // triangular, -1 to 1
  vec2 r = hash2(mod(p, 1021.0) + uSeed);
  return r.x - r.y;
}
void main() {
  vec2 p = (2.0 * gl_FragCoord.xy - uSize) / uSize.y;
  // A tall picture (a phone, a banner) still shows the middle in full.
  p *= max(1.0, 0.9 * uSize.y / uSize.x);
  vec3 light = max(scene(p), 0.0) * uFade;
  // Bright light runs towards white slowly and never clips.
  float peak = max(light.r, max(light.g, light.b));
  light = mix(light, vec3(peak), 0.30 * smoothstep(1.8, 7.0, peak));
  light = 1.0 - exp(-1.15 * light);
  light += uBack * (1.0 - light) * (1.0 - uClear);
  vec3 c = mix(12.92 * light, 1.055 * pow(max(light, 1e-5), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, light));
  c = clamp(c + dither(gl_FragCoord.xy) / 255.0, 0.0, 1.0);
  // Light over whatever lies below: as opaque as it is bright.
  float alpha = uClear > 0.5 ? max(c.r, max(c.g, c.b)) : 1.0;
  outColour = vec4(c, alpha);
}`;

const MAX_RATIO = 1.5; // the pictures are soft: more pixels than this are not seen
const STEPS = [1, 0.84, 0.7, 0.59, 0.5, 0.42, 0.35, 0.28];

export class WallGl {
  // `fail` is called when there is nothing more to hope for from WebGL.
  constructor(stage, scenes, { transparent, fail }) {
    this.name = 'webgl2';
    this.scenes = scenes;
    this.transparent = transparent;
    this.fail = fail;
    this.canvas = document.createElement('canvas');
    this.gl = this.canvas.getContext('webgl2', {
      alpha: transparent, premultipliedAlpha: true, antialias: false, depth: false, stencil: false,
      powerPreference: 'high-performance', desynchronized: false,
    });
    if (!this.gl) throw new Error('no WebGL2');
    this.rate = new Rate();
    this.reset();
    this.program(0); // a driver that cannot compile is noticed here
    stage.append(this.canvas);
    this.canvas.addEventListener('webglcontextlost', (event) => {
      event.preventDefault(); // says that we want it back
      this.lost = true;
      this.giveUp = setTimeout(() => this.fail(), 5000);
    });
    this.canvas.addEventListener('webglcontextrestored', () => {
      clearTimeout(this.giveUp);
      this.lost = false;
      this.reset();
    });
  }

  reset() {
    this.programs = new Map();
    this.array = this.gl.createVertexArray();
    this.gl.bindVertexArray(this.array);
    this.gl.disable(this.gl.BLEND);
  }

  program(index) {
    if (!this.programs.has(index)) this.programs.set(index, this.compile(this.scenes[index]));
    return this.programs.get(index);
  }

  compile(scene) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, HEAD + scene.glsl + TAIL]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
        throw new Error(`${scene.name}: ${gl.getShaderInfoLog(shader)}`);
      }
      gl.attachShader(program, shader);
      gl.deleteShader(shader); // goes with the program
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`${scene.name}: ${gl.getProgramInfoLog(program)}`);
    }
    const places = new Map();
    return {
      program,
      // A uniform that a scene does not use has no place, and setting it does nothing.
      at: (name) => {
        if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
        return places.get(name);
      },
    };
  }

  resize() {
    const ratio = Math.min(devicePixelRatio || 1, MAX_RATIO) * this.rate.scale;
    // Above 1440 lines a beamer shows no more of something this soft.
    const limit = Math.min(1, 1440 / Math.max(1, innerHeight * ratio));
    const width = Math.max(2, Math.round(innerWidth * ratio * limit));
    const height = Math.max(2, Math.round(innerHeight * ratio * limit));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.gl.viewport(0, 0, width, height);
    }
  }

  draw(index, view, fade, elapsed) {
    if (this.lost) return;
    const { gl } = this;
    this.rate.frame(elapsed);
    this.resize();
    let built;
    try {
      built = this.program(index);
    } catch (error) {
      console.error(error);
      this.fail();
      return;
    }
    const { program, at } = built;
    gl.useProgram(program);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.uniform2f(at('uSize'), this.canvas.width, this.canvas.height);
    gl.uniform1f(at('uTime'), view.time);
    gl.uniform1f(at('uPhase'), view.phase);
    gl.uniform1f(at('uLevel'), view.level);
    gl.uniform1f(at('uPunch'), view.punch);
    gl.uniform1f(at('uPitch'), view.pitch);
    gl.uniform1f(at('uArousal'), view.arousal);
    gl.uniform1f(at('uValence'), view.valence);
    gl.uniform1f(at('uSpeech'), view.speech);
    gl.uniform1f(at('uEnergy'), view.energy);
    gl.uniform1f(at('uFade'), fade);
    gl.uniform1f(at('uSeed'), Math.floor(Math.random() * 512));
    gl.uniform1f(at('uClear'), this.transparent ? 1 : 0);
    gl.uniform3fv(at('uColour'), view.colours);
    gl.uniform3fv(at('uSecond'), view.seconds);
    gl.uniform3fv(at('uWeight'), view.weights);
    gl.uniform3fv(at('uMix'), view.mix);
    gl.uniform3fv(at('uBack'), view.back);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  remove() {
    clearTimeout(this.giveUp);
    this.canvas.remove();
  }
}

// Chooses how many pixels are drawn from how long frames take.
class Rate {
  constructor() {
    this.step = 0;
    this.best = 0; // not above this for a while: it was too slow there
    this.until = 0;
    this.before = 0; // mean time of a frame before the last step down
    this.restart();
  }

  get scale() {
    return STEPS[this.step];
  }

  restart() {
    this.sum = 0;
    this.count = 0;
    this.skip = 8; // the frames right after a change are not typical
  }

  frame(ms) {
    if (ms > 400) return this.restart(); // a hidden tab, or a machine that slept
    if (this.skip > 0) {
      this.skip -= 1;
      return undefined;
    }
    this.sum += ms;
    this.count += 1;
    const mean = this.sum / this.count;
    if (this.count >= 40 || (this.count >= 12 && mean > 33)) this.judge(mean, performance.now());
    return undefined;
  }

  judge(mean, now) {
    const slow = mean > 18.8;
    if (slow && now > (this.rest || 0)) {
      // A screen of 30 or 50 Hz is not made quicker by fewer pixels: if two steps brought
      // nothing, go back and leave it alone for a while.
      if (this.step >= 2 && this.before && mean > this.before * 0.96 && mean < 36) {
        this.step = Math.max(0, this.step - 2);
        this.rest = now + 60000;
        this.before = 0;
      } else if (this.step < STEPS.length - 1) {
        if (this.step % 2 === 0) this.before = mean;
        this.step += 1;
        this.best = this.step;
        this.until = now + 30000;
      }
    } else if (!slow && this.step > 0 && mean < 17.6 && (this.step > this.best || now > this.until)) {
      this.calm = (this.calm || 0) + 1;
      if (this.calm >= 4) {
        this.step -= 1;
        this.best = this.step;
        this.calm = 0;
      }
    } else {
      this.calm = 0;
    }
    this.restart();
  }
}
