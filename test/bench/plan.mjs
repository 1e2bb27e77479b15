/** What is measured: in the whole form, in the quick one, and in one that only shows that everything still runs. */

const ALL = ['signalpost', 'ws', 'socket.io', 'nats', 'mosquitto', 'faye', 'sockjs', 'sse', 'bun']
const TARGETED = ['signalpost', 'ws', 'socket.io', 'nats', 'bun']
const CONNECTING = ['signalpost', 'socket.io', 'centrifuge', 'anycable', 'websocket']
const HANDLING = ['signalpost', 'baseline', 'EventSource', 'centrifuge', 'anycable']

/** How much slower than this machine the pages of script tags run. */
export const SLOWDOWNS = [1, 4]

/** The relays that take in signals over Redis. */
export const ON_REDIS = ['one relay on Redis', 'two relays on Redis']

const TAGS = ['signalpost', 'htmx', 'socket.io']

export const FULL = {
  rounds: 5,
  fanOut: [
    { receivers: 100, peers: ALL, windows: [1, 16, 64] },
    { receivers: 1000, peers: ALL, windows: [1, 16, 64] },
    { receivers: 5000, peers: TARGETED, windows: [1, 16, 64] },
  ],
  warm: 600,
  time: 1500,
  openLoop: { receivers: 1000, peers: TARGETED, rates: [50_000, 200_000, 800_000], time: 2500, rounds: 3 },
  latency: { peers: ALL, every: 5, count: 400, warm: 3000, rounds: 5 },
  reconnect: { clients: 2000, rounds: 3 },
  publish: { time: 3000, rounds: 3 },
  workers: { receivers: 5000, counts: [1, 2], windows: [1, 16, 64], rounds: 5 },
  client: { rounds: 7, frames: 50_000, handling: HANDLING, connecting: CONNECTING },
  sharing: {
    rounds: 5,
    browsers: 3,
    tabs: 10,
    samples: 12,
    delays: [0, 40],
    every: 5,
    count: 200,
    memory: { count: 5000, hold: 5000 },
    hasReturn: true,
  },
  tag: { rounds: 15, kinds: TAGS },
}

export const QUICK = {
  rounds: 1,
  fanOut: [{ receivers: 1000, peers: TARGETED, windows: [1, 16, 64] }],
  warm: 300,
  time: 700,
  openLoop: { receivers: 1000, peers: ['signalpost', 'ws'], rates: [200_000], time: 1000, rounds: 1 },
  latency: { peers: TARGETED, every: 5, count: 120, warm: 1000, rounds: 1 },
  reconnect: { clients: 300, rounds: 1 },
  publish: { time: 1000, rounds: 1 },
  workers: { receivers: 1000, counts: [1, 2], windows: [1, 16], rounds: 1 },
  client: { rounds: 1, frames: 50_000, handling: HANDLING, connecting: CONNECTING },
  sharing: {
    rounds: 1,
    browsers: 1,
    tabs: 10,
    samples: 6,
    delays: [0, 40],
    every: 5,
    count: 100,
    memory: { count: 5000, hold: 2000 },
    hasReturn: false,
  },
  tag: { rounds: 3, kinds: TAGS },
}

export const SMOKE = {
  rounds: 1,
  fanOut: [{ receivers: 20, peers: ['signalpost', 'ws', 'sse'], windows: [1, 16] }],
  warm: 50,
  time: 200,
  openLoop: { receivers: 20, peers: ['signalpost', 'ws'], rates: [2000], time: 200, rounds: 1 },
  latency: { peers: ['signalpost', 'ws'], every: 5, count: 60, warm: 60, rounds: 1 },
  reconnect: { clients: 20, rounds: 1 },
  publish: { time: 200, rounds: 1 },
  workers: { receivers: 20, counts: [1, 2], windows: [16], rounds: 1 },
  client: {
    rounds: 1,
    frames: 2000,
    handling: ['signalpost', 'baseline', 'EventSource'],
    connecting: ['signalpost', 'websocket'],
  },
  sharing: {
    rounds: 1,
    browsers: 1,
    tabs: 2,
    samples: 1,
    delays: [0],
    every: 1,
    count: 5,
    memory: { count: 100, hold: 100 },
    hasReturn: false,
  },
  tag: { rounds: 1, kinds: ['signalpost'] },
}
