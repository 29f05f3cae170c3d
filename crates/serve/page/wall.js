// The wall: a picture over the whole screen that answers to a voice.
//
//   ?transparent     only light, nothing behind it: for OBS and other mixers
//   ?scene=NAME      aurora, ink, pulse, silk
//   ?session=NAME    one session instead of the newest
//   ?token=TOKEN     where the server asks for one
//   ?label           shows the word of the label too
//   ?demo            a synthetic voice, no server needed; ?demo=angry,happy holds a mixture
//   ?renderer=canvas the simple pictures that need no WebGL2

import { WallState } from './wall-state.js';
import { WallGl } from './wall-gl.js';
import { WallCanvas } from './wall-canvas.js';
import aurora from './scene-aurora.js';
import ink from './scene-ink.js';
import pulse from './scene-pulse.js';
import silk from './scene-silk.js';

const SCENES = [aurora, ink, pulse, silk];
const FADE = 0.7; // seconds to dark, and as many back, when the scene changes

const query = new URLSearchParams(location.search);
const reduced = matchMedia('(prefers-reduced-motion: reduce)');
const options = {
  session: query.get('session'),
  token: query.get('token'),
  demo: query.get('demo'),
  calm: reduced.matches,
};
const transparent = query.has('transparent');
const root = document.documentElement;
const stage = document.getElementById('stage');
const help = document.getElementById('help');
const word = document.getElementById('label');

reduced.addEventListener('change', () => { options.calm = reduced.matches; });
root.classList.toggle('transparent', transparent);

const state = new WallState(options);
let scene = Math.max(0, SCENES.findIndex(({ name }) => name === query.get('scene')));
let next = scene;
let fade = 0; // begins in the dark
let renderer = choose(query.get('renderer') !== 'canvas');
document.body.dataset.scene = SCENES[scene].name;

function choose(gl) {
  let made;
  try {
    if (!gl) throw null;
    made = new WallGl(stage, SCENES, { transparent, fail: fallBack });
  } catch (error) {
    if (error) console.warn('The wall draws without WebGL2:', error.message);
    made = new WallCanvas(stage, SCENES, { transparent });
  }
  document.body.dataset.renderer = made.name;
  return made;
}

function fallBack() {
  if (renderer.name === 'canvas') return;
  renderer.remove();
  renderer = choose(false);
}

// ---- frames -----------------------------------------------------------------------

window.__frames = 0;
window.__fps = 0;
window.__view = state.view; // for tests
let last = 0;
let counted = { at: 0, frames: 0 };

function frame(now) {
  requestAnimationFrame(frame);
  const elapsed = last ? now - last : 16;
  last = now;
  // After a pause (a hidden tab) the picture goes on where it was.
  const dt = Math.min(0.1, Math.max(0, elapsed / 1000));
  const view = state.update(dt);

  if (next !== scene && fade <= 0) {
    scene = next;
    document.body.dataset.scene = SCENES[scene].name;
  }
  fade = Math.min(1, Math.max(0, fade + (next === scene ? dt : -dt) / FADE));
  renderer.draw(scene, view, fade * fade * (3 - 2 * fade), elapsed);

  window.__frames += 1;
  if (now - counted.at >= 1000) {
    window.__fps = ((window.__frames - counted.frames) * 1000) / (now - counted.at);
    counted = { at: now, frames: window.__frames };
  }
  const connected = options.demo !== null ? 'demo' : String(state.connected);
  if (document.body.dataset.connected !== connected) document.body.dataset.connected = connected;
  if (query.has('label')) showWord(view);
}

function showWord(view) {
  word.hidden = false;
  // The last word stays in the text while it fades out.
  if (state.label !== null && word.textContent !== state.label) word.textContent = state.label;
  word.classList.toggle('off', state.label === null);
  word.style.color = view.css;
}

// ---- keys, mouse, screen ----------------------------------------------------------

function show(index) {
  next = (index + SCENES.length) % SCENES.length;
}

let helpTimer;
function showHelp(seconds) {
  clearTimeout(helpTimer);
  help.hidden = false;
  help.classList.remove('off');
  if (seconds) helpTimer = setTimeout(() => help.classList.add('off'), seconds * 1000);
}

function fullScreen() {
  const done = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.();
  done?.catch(() => {}); // an embedding page may forbid it
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  if (key >= '1' && key <= String(SCENES.length)) show(Number(key) - 1);
  else if (key === 'ArrowRight' || key === 'ArrowDown') show(next + 1);
  else if (key === 'ArrowLeft' || key === 'ArrowUp') show(next - 1);
  else if (key === 'f' || key === 'F') fullScreen();
  else if (key === 'h' || key === 'H') {
    const visible = !help.hidden && !help.classList.contains('off');
    if (visible) {
      clearTimeout(helpTimer);
      help.classList.add('off');
    } else {
      showHelp(0);
    }
  } else return;
  event.preventDefault();
});
addEventListener('dblclick', fullScreen);

let mouseTimer;
function mouseMoved() {
  root.classList.remove('idle');
  clearTimeout(mouseTimer);
  mouseTimer = setTimeout(() => root.classList.add('idle'), 3000);
}
addEventListener('pointermove', mouseMoved);
mouseMoved();

// A stage should not fall asleep. Not every browser can promise that.
async function stayAwake() {
  if (document.hidden) return;
  try {
    await navigator.wakeLock?.request('screen');
  } catch { /* then it may sleep */ }
}
document.addEventListener('visibilitychange', stayAwake);
stayAwake();

help.textContent = `1 to ${SCENES.length} or arrows: picture · f: full screen · h: this line`;
if (!transparent) showHelp(4);

state.start();
requestAnimationFrame(frame);
