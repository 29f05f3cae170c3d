// The page of the server: puts the parts together.

import { onLanguage, startLanguage } from './texts.js';
import { $, appearance, remember, say, translate } from './ui.js';
import { loadPalette } from './colours.js';
import { Curves } from './curves.js';
import { Spectrogram } from './spectrogram.js';
import { listDevices, showReport, secure } from './microphone.js';
import { download, measurementsCsv, vtt } from './exports.js';
import * as live from './live.js';
import * as view from './view.js';
import * as files from './files.js';
import * as timeline from './timeline.js';
import * as enrol from './enrol.js';

startLanguage($('language'));
translate();
appearance();

for (const id of ['quick', 'learn']) {
  const kept = remember.get(id);
  if (kept) $(id).checked = kept === 'true';
  $(id).addEventListener('change', () => remember.set(id, String($(id).checked)));
}

await loadPalette();
const { session } = live;
view.setup(session);
live.setup(new Curves($('curves'), session), new Spectrogram($('spectrogram')));
files.setup();
timeline.setup();
enrol.setup();

if (secure()) {
  listDevices();
  navigator.mediaDevices.addEventListener('devicechange', listDevices);
} else {
  say($('mic-report'), 'insecure');
  $('mic-report').classList.add('warn');
}
onLanguage(() => { if (secure()) { showReport(); listDevices(); } });

const fileName = () => `affekt-${session.name || 'session'}`;
$('export-csv').addEventListener('click', () => {
  download(`${fileName()}.csv`, 'text/csv', measurementsCsv(session.measurements, session.labels));
});
$('export-vtt').addEventListener('click', () => {
  download(`${fileName()}.vtt`, 'text/vtt', vtt(session.utterances));
});

// Tests and curious people can see that every part is ready.
document.body.dataset.ready = 'true';
