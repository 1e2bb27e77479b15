/**
 * What a bare connection says to each server to get in, and to send a payload. A step is said when the one before was
 * answered; `heard` is what came since. All are WebSockets but those with a request of their own.
 */

const JSON_TEXT = (value) => textFrame(JSON.stringify(value))

/** Everything that connects in one process has ids of its own. */
let count = 0
function nextId() {
  count += 1
  return `bench${process.pid.toString(36).padStart(5, '0')}${count.toString(36).padStart(12, '0')}`
}

export const WIRES = {
  signalpost: {
    path: '/signals',
    steps: [
      {
        say: (_, isReceiver) =>
          JSON_TEXT({ type: 'hello', v: 1, tab: nextId(), rooms: isReceiver ? [{ room: 'main' }] : [] }),
        until: (_, isReceiver) => (isReceiver ? '"joined"' : '"welcome"'),
      },
    ],
    publish: (payload) => textFrame(`{"type":"signal","id":"${nextId()}","signal":"ReportIncome","data":${payload}}`),
  },
  ws: { path: '/', steps: [], publish: (payload) => textFrame(payload) },
  bun: { path: '/', steps: [], publish: (payload) => textFrame(payload) },
  'socket.io': {
    path: '/socket.io/?EIO=4&transport=websocket',
    steps: [
      { say: () => undefined, until: () => '0{' },
      { say: () => textFrame('40'), until: () => '40{' },
    ],
    publish: (payload) => textFrame(`42["signal",${payload}]`),
  },
  sockjs: {
    path: () => `/sockjs/000/${nextId()}/websocket`,
    steps: [{ say: () => undefined, until: () => 'o' }],
    publish: (payload) => textFrame(JSON.stringify([payload])),
  },
  faye: {
    path: '/faye',
    steps: [
      {
        say: () => JSON_TEXT([{ channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['websocket'] }]),
        until: () => '"clientId"',
      },
      {
        say: (heard) =>
          JSON_TEXT([{ channel: '/meta/subscribe', clientId: clientIdIn(heard), subscription: '/signals' }]),
        until: (heard) => `"clientId":"${clientIdIn(heard)}"`,
        isForReceivers: true,
      },
      {
        say: (heard) =>
          JSON_TEXT([{ channel: '/meta/connect', clientId: clientIdIn(heard), connectionType: 'websocket' }]),
        until: () => '',
        isForReceivers: true,
      },
    ],
    publish: (payload) => textFrame(`[{"channel":"/signals","data":${payload}}]`),
  },
  nats: {
    path: '/',
    steps: [
      { say: () => undefined, until: () => 'INFO' },
      {
        say: (_, isReceiver) =>
          binaryFrame(`CONNECT {"verbose":false}\r\n${isReceiver ? 'SUB signals 1\r\n' : ''}PING\r\n`),
        until: () => 'PONG',
      },
    ],
    publish: (payload) => binaryFrame(`PUB signals ${payload.length}\r\n${payload}\r\n`),
  },
  mosquitto: {
    path: '/mqtt',
    headers: { 'Sec-WebSocket-Protocol': 'mqtt' },
    steps: [
      { say: () => binaryFrame(mqttConnect(nextId())), until: () => '\x20\x02' },
      { say: () => binaryFrame(mqttSubscribe('signals')), until: () => '\x90\x03', isForReceivers: true },
    ],
    publish: (payload) => binaryFrame(mqttPublish('signals', payload)),
  },
  sse: {
    // The first request of the sender only shows that the server is there: nothing in it is counted.
    request: (isReceiver) => (isReceiver ? httpRequest('GET', '/', 'Accept: text/event-stream') : httpPost('""')),
    steps: [],
    publish: (payload) => httpPost(payload),
  },
}

function httpRequest(method, path, ...headers) {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`
}

function httpPost(payload) {
  return httpRequest('POST', '/', `Content-Length: ${payload.length}`) + payload
}

function clientIdIn(heard) {
  return /"clientId":"(\w+)"/.exec(heard)[1]
}

/** One frame as a client writes it; a mask of zeros is a mask. */
function textFrame(text) {
  return frame(0x81, Buffer.from(text))
}

function binaryFrame(content) {
  return frame(0x82, Buffer.from(content))
}

function frame(first, payload) {
  const isLong = payload.length > 125
  const head = Buffer.alloc(isLong ? 8 : 6)
  head[0] = first
  head[1] = 0x80 | (isLong ? 126 : payload.length)
  if (isLong) head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}

function mqttConnect(clientId) {
  const head = Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0])
  return mqttPacket(0x10, Buffer.concat([head, mqttText(clientId)]))
}

function mqttSubscribe(topic) {
  return mqttPacket(0x82, Buffer.concat([Buffer.from([0, 1]), mqttText(topic), Buffer.from([0])]))
}

function mqttPublish(topic, payload) {
  return mqttPacket(0x30, Buffer.concat([mqttText(topic), Buffer.from(payload)]))
}

function mqttText(text) {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([0, bytes.length]), bytes])
}

function mqttPacket(first, body) {
  const length = body.length < 128 ? [body.length] : [0x80 | (body.length & 0x7f), body.length >> 7]
  return Buffer.concat([Buffer.from([first, ...length]), body])
}
