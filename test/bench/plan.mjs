/** What is measured: in the whole form, in the quick one, and in one that only shows that everything still runs. */

const ALL = ['signalpost', 'ws', 'socket.io', 'nats', 'mosquitto', 'faye', 'sockjs', 'bun']
const TARGETED = ['signalpost', 'ws', 'socket.io', 'nats', 'bun']
const CONNECTING = ['signalpost', 'socket.io', 'websocket']

/** How much slower than this machine the pages of script tags run. */
export const SLOWDOWNS = [1, 4]

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
  latency: { peers: ALL, every: 5, count: 400, rounds: 5 },
  reconnect: { clients: 2000, rounds: 3 },
  publish: { time: 3000, rounds: 3 },
  workers: { receivers: 5000, counts: [1, 2], windows: [1, 16, 64], rounds: 5 },
  client: { rounds: 7, peers: CONNECTING },
  tag: { rounds: 15, kinds: TAGS },
}

export const QUICK = {
  rounds: 1,
  fanOut: [{ receivers: 1000, peers: TARGETED, windows: [1, 16, 64] }],
  warm: 300,
  time: 700,
  openLoop: { receivers: 1000, peers: ['signalpost', 'ws'], rates: [200_000], time: 1000, rounds: 1 },
  latency: { peers: TARGETED, every: 5, count: 120, rounds: 1 },
  reconnect: { clients: 300, rounds: 1 },
  publish: { time: 1000, rounds: 1 },
  workers: { receivers: 1000, counts: [1, 2], windows: [1, 16], rounds: 1 },
  client: { rounds: 1, peers: CONNECTING },
  tag: { rounds: 3, kinds: TAGS },
}

export const SMOKE = {
  rounds: 1,
  fanOut: [{ receivers: 20, peers: ['signalpost', 'ws'], windows: [1, 16] }],
  warm: 50,
  time: 200,
  openLoop: { receivers: 20, peers: ['signalpost', 'ws'], rates: [2000], time: 200, rounds: 1 },
  latency: { peers: ['signalpost', 'ws'], every: 5, count: 60, rounds: 1 },
  reconnect: { clients: 20, rounds: 1 },
  publish: { time: 200, rounds: 1 },
  workers: { receivers: 20, counts: [1, 2], windows: [16], rounds: 1 },
  client: { rounds: 1, peers: ['signalpost', 'websocket'] },
  tag: { rounds: 1, kinds: ['signalpost'] },
}
