// A recording: sent to the server, which tells how far it is, then shown over time.

import { onLanguage, t } from './texts.js';
import { $, ServerError, ask, percent } from './ui.js';
import { show } from './timeline.js';

let abort = null;
let progress = null; // for the text of the present run, in any language

export function setup() {
  const drop = $('drop');
  $('file').addEventListener('change', () => {
    const [file] = $('file').files;
    // The same file again must count as a change as well.
    $('file').value = '';
    if (file) analyse(file);
  });
  // A file that misses the box would replace the whole page.
  for (const name of ['dragover', 'drop']) addEventListener(name, (event) => event.preventDefault());
  let over = 0;
  drop.addEventListener('dragenter', () => { over += 1; drop.classList.add('over'); });
  drop.addEventListener('dragleave', () => { over -= 1; if (!over) drop.classList.remove('over'); });
  drop.addEventListener('drop', (event) => {
    over = 0;
    drop.classList.remove('over');
    const [file] = event.dataTransfer.files;
    if (file) analyse(file);
  });
  $('file-cancel').addEventListener('click', () => abort?.abort());
  onLanguage(tell);
}

async function analyse(file) {
  abort?.abort();
  const mine = new AbortController();
  abort = mine;
  $('file-error').hidden = true;
  progress = { name: file.name, part: null };
  tell();
  $('file-busy').hidden = false;
  $('drop').hidden = true;
  try {
    const form = new FormData();
    form.append('file', file, file.name);
    form.append('timeline', 'true');
    form.append('stream', 'true');
    form.append('response_format', 'verbose_json');
    if ($('model').value) form.append('model', $('model').value);
    if ($('speaker').value) form.append('speaker', $('speaker').value);
    const answer = await ask('v1/audio/emotions', { method: 'POST', body: form, signal: mine.signal });
    const result = await follow(answer, (part) => { progress.part = part; tell(); });
    if (abort === mine) show(file, result);
  } catch (error) {
    if (abort === mine && error.name !== 'AbortError') {
      $('file-error').textContent = error instanceof ServerError ? error.message : t('fileBroken');
      $('file-error').hidden = false;
    }
  } finally {
    if (abort === mine) {
      abort = null;
      progress = null;
      $('file-busy').hidden = true;
      $('drop').hidden = false;
    }
  }
}

function tell() {
  if (!progress) return;
  const { name, part } = progress;
  $('file-busy-text').textContent = part === null ? t('sending', { name }) : t('analysing', { name, percent: percent(part) });
  // Without a value the bar shows that something happens.
  if (part === null) $('file-progress').removeAttribute('value');
  else $('file-progress').value = part;
}

// Reads server-sent events from the body of the answer; EventSource cannot send a file.
async function follow(answer, onProgress) {
  if (!(answer.headers.get('content-type') || '').includes('event-stream')) return answer.json();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new ServerError(t('fileBroken'));
    rest += value;
    // An event may end with any of three line ends, and a CRLF may come in two parts.
    const whole = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = whole.pop();
    for (const text of whole) {
      const { name, data } = parse(text);
      if (!data) continue; // a comment that keeps the connection open
      const content = JSON.parse(data);
      if (name === 'progress') onProgress(content.progress);
      else if (name === 'result') return content;
      else if (name === 'error') throw new ServerError(words(content.error || content));
    }
  }
}

function parse(text) {
  let name = 'message';
  const data = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, key, value] = /^([^:]*):? ?(.*)$/.exec(line) || [];
    if (key === 'event') name = value;
    else if (key === 'data') data.push(value);
  }
  return { name, data: data.join('\n') };
}

function words(error) {
  if (error.code === 'not_audio') return `${t('notAudio')} (${error.message})`;
  return error.message || t('fileBroken');
}
