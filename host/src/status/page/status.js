'use strict';
// Shows the state of the host, which the server sends whenever it changes. Many texts come from agents, plugins and
// chat servers, so they are only set as text, never as HTML.

const SESSIONS = '/sessions/';
const sessionName = location.pathname.startsWith(SESSIONS) ? location.pathname.slice(SESSIONS.length) : null;

// The time by which the host's clock is ahead of this machine's clock, in milliseconds.
let clockOffset = 0;

const byId = id => document.getElementById(id);

function element(tag, { text, className, href, children = [] } = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  if (href) made.href = href;
  made.append(...children);
  return made;
}

function duration(seconds) {
  const units = [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
  let rest = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [size, unit] of units) {
    if (rest >= size && parts.length < 2) parts.push(`${Math.floor(rest / size)}${unit}`);
    rest %= size;
  }
  return parts.join(' ') || '0s';
}

function latency(seconds) {
  if (seconds === null) return '–';
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  return `${seconds.toFixed(1)} s`;
}

const bytes = count => count === null || count === undefined ? '–' : `${(count / 1e6).toFixed(1)} MB`;
const secondsSince = time => (Date.now() + clockOffset - time) / 1000;
const plural = (count, one, more) => `${count} ${count === 1 ? one : more}`;
const dash = text => text === null || text === undefined || text === '' ? '–' : String(text);

// A text that changes as time passes.
function clock(read) {
  const made = element('span', { text: read(), className: 'clock' });
  made.read = read;
  return made;
}

const ago = time => time ? clock(() => `${duration(secondsSince(time))} ago`) : '–';

function badge(text, kinds) {
  return element('span', { text, className: `badge ${kinds[text] ?? ''}` });
}

const PHASES = { idle: 'good', busy: 'busy', starting: 'busy', stopping: 'busy', asking: 'warn', broken: 'bad' };
const HEALTH = {
  ok: 'good', compiling: 'busy', 'pending approval': 'warn', 'no webhook auth': 'warn', 'update rejected': 'warn',
  'rolled back': 'bad', rejected: 'bad', failing: 'bad', missing: 'bad', unusable: 'bad',
};

const LEVELS = { warning: 'warn', error: 'bad' };

const sessionLink = name => element('a', { text: name, href: SESSIONS + encodeURIComponent(name) });

function activity(row) {
  if (row.phase !== 'idle') return ago(row.last_active);
  return clock(() => `idle for ${duration(secondsSince(row.last_active))} of ${duration(row.idle_timeout_s)}`);
}

function phase(row) {
  const shown = row.terminal && row.phase === 'suspended' ? 'terminal' : row.phase;
  return element('span', { children: [badge(shown, PHASES), note(row.why), note((row.background ?? []).join(', '))] });
}

function note(text) {
  return text ? element('div', { text, className: 'note' }) : '';
}

function history(plugin) {
  const items = plugin.activations.map(one => ({
    at: one.since, text: `generation ${one.generation} (${one.digest.slice(0, 12)}) was activated`,
  })).concat(plugin.rollbacks.map(one => ({
    at: one.at, text: `${one.digest.slice(0, 12)} was rolled back (${plural(one.count, 'consecutive rollback', 'consecutive rollbacks')}): ${one.why}`,
  })));
  if (items.length === 0) return '';
  items.sort((a, b) => b.at - a.at);
  const lines = items.map(item => element('li', { children: [item.text, ' – ', ago(item.at)] }));
  const made = element('details', {
    children: [element('summary', { text: plural(items.length, 'event', 'events') }), element('ul', { children: lines })],
  });
  made.dataset.key = plugin.name;
  return made;
}

function version(row) {
  if (!row.digest) return '–';
  const digest = element('code', { text: row.digest.slice(0, 12) });
  return element('span', { children: [digest, ` · ${row.generation}`] });
}

function request(row) {
  if (!row.link) return row.title;
  return element('a', { text: row.title, href: row.link });
}

const TABLES = {
  requests: {
    empty: 'No open requests.',
    key: row => `${row.session}#${row.number}`,
    columns: [
      ['Session', row => sessionLink(row.session)],
      ['Number', row => `#${row.number}`, 'short'],
      ['Kind', row => row.kind, 'short'],
      ['Title', request],
      ['Asked', row => ago(row.since), 'short'],
    ],
  },
  sessions: {
    empty: 'No sessions.',
    key: row => row.name,
    columns: [
      ['Session', row => sessionLink(row.name)],
      ['Phase', phase],
      ['Activity', activity, 'short'],
      ['Memory', row => bytes(row.memory), 'number short'],
      ['Turns', row => row.turns, 'number'],
      ['Queued', row => row.queued, 'number'],
      ['Agent', row => [row.agent, row.model].filter(Boolean).join(' · ')],
      ['Persona', row => dash(row.persona)],
      ['Cost', row => row.cost_usd === null ? '–' : `$${row.cost_usd.toFixed(2)}`, 'number short'],
    ],
  },
  plugins: {
    empty: 'No plugins.',
    key: row => row.name,
    columns: [
      ['Plugin', row => row.name],
      ['State', row => element('span', { children: [badge(row.health, HEALTH), note(row.note)] })],
      ['Version', version, 'short'],
      ['Calls', row => row.calls, 'number'],
      ['p50', row => latency(row.p50), 'number short'],
      ['p99', row => latency(row.p99), 'number short'],
      ['Failures', row => row.failures, 'number'],
      ['History', history],
    ],
  },
  outbox: {
    empty: 'No posts are waiting.',
    key: (row, at) => `${at}`,
    columns: [
      ['Place', row => row.place],
      ['State', row => row.messages ? `${row.state} ${row.sent}/${row.messages}` : row.state, 'short'],
      ['Stored', row => ago(row.at), 'short'],
      ['Text', row => dash(row.text)],
      ['Reason', row => dash(row.why)],
    ],
  },
  problems: {
    empty: 'No delivery problems.',
    key: (row, at) => `${at}`,
    columns: [
      ['Place', row => row.place],
      ['Outcome', row => row.state],
      ['Time', row => ago(row.at), 'short'],
      ['Text', row => dash(row.text)],
      ['Reason', row => dash(row.why)],
    ],
  },
  log: {
    empty: 'No warnings or errors.',
    key: (row, at) => `${at}`,
    columns: [
      ['Level', row => badge(row.level, LEVELS), 'short'],
      ['Time', row => ago(row.at), 'short'],
      ['Text', row => row.text],
    ],
  },
};

// Shows rows in the table of a section. A row that has not changed keeps its elements, and so its focus and selection.
function show(id, rows) {
  const table = TABLES[id];
  if (!table.body) {
    table.message = element('p', { text: table.empty, className: 'empty' });
    const head = table.columns.map(([label, , className]) => element('th', { text: label, className }));
    table.body = element('tbody');
    const headRow = element('thead', { children: [element('tr', { children: head })] });
    table.table = element('table', { children: [headRow, table.body] });
    table.shown = new Map();
    byId(id).append(table.message, table.table);
  }
  table.message.hidden = rows.length > 0;
  table.table.hidden = rows.length === 0;
  const open = new Set([...table.body.querySelectorAll('details[open]')].map(one => one.dataset.key));
  const shown = new Map();
  rows.forEach((row, at) => {
    const key = table.key(row, at), text = JSON.stringify(row), known = table.shown.get(key);
    shown.set(key, known?.text === text ? known : { text, line: line(table, row) });
  });
  const lines = [...shown.values()].map(one => one.line);
  if (lines.length !== table.body.children.length || lines.some((one, at) => table.body.children[at] !== one)) {
    table.body.replaceChildren(...lines);
  }
  table.body.querySelectorAll('details').forEach(one => { one.open = one.open || open.has(one.dataset.key); });
  table.shown = shown;
}

function line(table, row) {
  const cells = table.columns.map(([label, read, className]) => {
    const content = read(row);
    const inside = content instanceof Node ? content : element('span', { text: content });
    const cell = element('td', { className, children: [inside] });
    cell.dataset.label = label;
    if (['', '–', 0].includes(content)) cell.classList.add('nothing');
    return cell;
  });
  return element('tr', { children: cells });
}

function showSession(row, history) {
  const section = byId('session');
  section.hidden = false;
  section.querySelector('h2').textContent = sessionName;
  document.title = `${sessionName} · Cordboard`;
  const facts = row ? [
    ['Phase', phase(row)], ['Activity', activity(row)], ['Memory', bytes(row.memory)], ['Turns', row.turns],
    ['Queued', row.queued], ['Agent', row.agent], ['Model', dash(row.model)], ['Persona', dash(row.persona)],
    ['Folder', row.folder], ['Owner', row.owner], ['Cost', row.cost_usd === null ? '–' : `$${row.cost_usd.toFixed(2)}`],
  ] : [];
  const list = facts.flatMap(([name, value]) => [
    element('dt', { text: name }), element('dd', { children: [value instanceof Node ? value : String(value)] }),
  ]);
  section.querySelector('dl').replaceChildren(...list);
  const turns = history?.turns ?? [];
  const message = section.querySelector('.empty');
  message.hidden = turns.length > 0;
  message.textContent = history?.error ?? 'No turns yet.';
  const shown = JSON.stringify(turns), entries = section.querySelector('ol');
  if (entries.shown === shown) return;
  entries.shown = shown;
  entries.replaceChildren(...turns.toReversed().map(turn => element('li', {
    children: [
      element('p', { text: turn.prompt, className: 'prompt' }), element('p', { text: turn.answer }),
      element('div', { className: 'note', children: turn.at ? [ago(turn.at)] : [] }),
    ],
  })));
}

function update({ now, host, session }) {
  clockOffset = now - Date.now();
  const { outbox, sessions, requests, plugins } = host;
  const running = sessions.filter(one => one.pid !== null).length;
  const queues = outbox.error ?? [
    `${plural(outbox.waiting, 'post', 'posts')} waiting`, `${plural(outbox.inbox, 'message', 'messages')} unfinished`,
  ].join(' · ');
  const count = plural(sessions.length, 'session', 'sessions');
  byId('summary').textContent = `${host.version} · ${bytes(host.memory)} · ${count}, ${running} running · ${queues}`;
  if (sessionName !== null) {
    showSession(sessions.find(one => one.name === sessionName), session);
    show('requests', requests.filter(one => one.session === sessionName));
    return;
  }
  show('requests', requests);
  show('sessions', sessions);
  show('plugins', plugins);
  show('outbox', outbox.posts ?? []);
  show('problems', (outbox.problems ?? []).toReversed());
  show('log', host.log);
}

function connected(text, className) {
  byId('connection').textContent = text;
  byId('connection').className = className;
}

if (sessionName !== null) {
  for (const id of ['sessions', 'plugins', 'outbox', 'problems', 'log']) byId(id).hidden = true;
}
const events = new EventSource(sessionName === null ? '/events' : `/events/${sessionName}`);
events.onopen = () => connected('Live', 'live');
events.onmessage = event => update(JSON.parse(event.data));
events.onerror = () => {
  if (events.readyState === EventSource.CLOSED) connected('Disconnected: reload the page', 'lost');
  else connected('Reconnecting…', 'lost');
};
setInterval(() => document.querySelectorAll('.clock').forEach(one => { one.textContent = one.read(); }), 1000);
