import type { Plugin } from 'esbuild'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The release that the edits fit. */
const VERSION = '4.4.0'

const PACKAGE = /[\\/]node_modules[\\/]reconnecting-websocket[\\/]/

const REMEDY =
  'Install that release again, or adapt the edits in .build/reduce-reconnecting-websocket.ts to the new source and run npm test.'

/** Keeps the copyright notice in the bundles of applications. */
export const NOTICE = `/*! reconnecting-websocket ${VERSION}, reduced to what signalpost uses. Copyright (c) 2018 Pedro Ladaria, MIT License */`

/** A change of the source, which has to contain the text exactly `times` times. */
interface Edit {
  readonly text: RegExp | string
  readonly pattern: RegExp
  readonly replacement: string
  readonly times: number
}

const METHODS = [
  'reconnect',
  'addEventListener',
  'dispatchEvent',
  'removeEventListener',
  '_debug',
  '_getNextDelay',
  '_handleTimeout',
  '_wait',
  '_getNextUrl',
  '_acceptOpen',
  '_callEventListener',
  '_removeListeners',
]

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']
const GETTERS = [...STATES, 'binaryType', 'retryCount', 'bufferedAmount', 'extensions', 'protocol', 'readyState', 'url']

/**
 * The edits cut what `src/connection/socket.ts` never reaches. It asks for one attempt without a queue, passes its own
 * WebSocket class and time-out, and uses `send`, `close`, `onopen`, `onmessage` and `onclose`.
 */
const EDITS: readonly Edit[] = [
  ...STATES.map((name) => cutBlock(`Object.defineProperty(ReconnectingWebSocket, "${name}", {`, '});')),
  ...GETTERS.map((name) => cutBlock(`Object.defineProperty(ReconnectingWebSocket.prototype, "${name}", {`, '});')),
  ...METHODS.map((name) => cutBlock(new RegExp(`ReconnectingWebSocket\\.prototype\\.${name} = function .*\\{`), '};')),
  replace('this._ws.readyState === this.OPEN', 'this._ws.readyState === 1'),

  // Bundlers drop an unused class only if its definition has no side effect.
  replace('var ReconnectingWebSocket = /** @class */ (', 'var ReconnectingWebSocket = /* @__PURE__ */ ('),
  cutBlock('var DEFAULT = {', '};'),
  cutBlock('var Event = /** @class */ (function () {', '}());'),
  cutBlock('var ErrorEvent = /** @class */ (function (_super) {', '}(Event));'),
  cutBlock('var CloseEvent = /** @class */ (function (_super) {', '}(Event));'),
  replace('_this._handleTimeout()', "_this._handleError({ message: 'TIMEOUT' })"),
  replace("event.message === 'TIMEOUT' ? 'timeout' : undefined", "event.message === 'TIMEOUT' ? 'timeout' : ''"),
  replace('new CloseEvent(code, reason, this)', '{ target: this, reason: reason }'),

  // Debug output and listeners.
  cutBlock('this._handleMessage = function (event) {', '};'),
  replace("addEventListener('message', this._handleMessage)", "addEventListener('message', this.onmessage)"),
  cutLine(/_?this\._debug\(.*\);/, 12),
  cutBlock('this._listeners = {', '};'),
  cutLine(/_this\._listeners\.\w+\.forEach\(.*\);/, 3),
  cutLine('this.onerror = null;'),
  cutBlock('if (_this.onerror) {', '}'),

  // Further attempts.
  cutLine('this._retryCount = -1;'),
  cutLine('this._shouldReconnect = true;'),
  cutLine('this._connectLock = false;'),
  cutBlock('if (this._options.startClosed) {', '}'),
  cutBlock('if (_this._shouldReconnect) {', '}'),
  cutLine('_this._connect();'),
  cutLine('this._shouldReconnect = false;'),
  cutBlock('if (this._connectLock || !this._shouldReconnect) {', '}'),
  cutLine('this._connectLock = true;'),
  cutBlock('if (this._retryCount >= maxRetries) {', '}'),
  cutLine('this._retryCount++;'),
  cutLine('_this._connectLock = false;'),
  cutLine('this._wait()'),
  cutLine(/var _a = _this\._options\.minUptime, .*;/),
  cutLine('_this._uptimeTimeout = setTimeout(function () { return _this._acceptOpen(); }, minUptime);'),
  cutLine('clearTimeout(this._uptimeTimeout);'),

  // The queue.
  cutLine('this._messageQueue = [];'),
  cutLine('_this._messageQueue.forEach(function (message) { return _this._ws.send(message); });'),
  cutLine('_this._messageQueue = [];'),
  cutBlock('else {', '}'),

  // Other arguments, binary messages, and a socket that is always there.
  cutLine('if (code === void 0) { code = 1000; }', 2),
  cutBlock('if (this._ws.readyState === this.CLOSED) {', '}'),
  cutLine(/this\.on(?:close|message|open) = null;/, 3),
  { ...replace('this._ws.close(code, reason);', 'this._ws.close(1000);'), times: 2 },
  replace(/(?<=_addListeners = function \(\) \{\n) *if \(!this\._ws\) \{\n *return;\n *\}/, ''),
  ...['open', 'close'].map((type) => replace(`if (_this.on${type}) {`, '{')),
  cutLine('if (options === void 0) { options = {}; }'),
  cutLine('this._protocols = protocols;'),
  cutLine("this._binaryType = 'blob';"),
  cutLine('_this._ws.binaryType = _this._binaryType;', 2),
  replace(/_b = _a\.maxRetries, .*;/, 'connectionTimeout = _a.connectionTimeout, WebSocket = _a.WebSocket;'),
  cutBlock('this._removeListeners();\n        if (!isWebSocket(WebSocket)) {', '}'),
  cutLine('.then(function () { return _this._getNextUrl(_this._url); })'),
  // On a page that loads, and in Node, even a timer of 0 ms comes late.
  replace('.then(function (url) {', 'queueMicrotask(function () {'),
  replace('_this._ws = _this._protocols', '_this._ws = new WebSocket(_this._url);'),
  cutLine('? new WebSocket(url, _this._protocols)'),
  cutLine(': new WebSocket(url);'),
  replace(/(?<=_disconnect = function \(code, reason\) \{[^}]*) *if \(!this\._ws\) \{\n *return;\n *\}/, ''),
  replace('try {\n            this._ws.close(1000);', '{ this._ws.close(1000);'),
  cutBlock('catch (error) {\n            // ignore', '}'),
  // `openSocket` ignores the events of a socket that it has closed.
  cutLine('this._removeListeners();'),
]

/**
 * Bundles reconnecting-websocket without its unused members, which no bundler can remove from a class. The package stays
 * a dependency of signalpost, so that audits and license reports of applications include it.
 */
export function reduceReconnectingWebSocket(): Plugin {
  return {
    name: 'reduce-reconnecting-websocket',
    setup({ onLoad }) {
      onLoad({ filter: PACKAGE }, ({ path }) => {
        const manifest = readFileSync(join(dirname(path), '../package.json'), 'utf8')
        const { version } = JSON.parse(manifest) as { readonly version: string }
        return { contents: reduce(readFileSync(path, 'utf8'), version) }
      })
    },
  }
}

/** Leaves an empty line for each line that it cuts, so that source maps point to the right lines of the package. */
export function reduce(source: string, version: string): string {
  if (version !== VERSION) throw new Error(`Expected reconnecting-websocket ${VERSION}, found ${version}. ${REMEDY}`)
  return EDITS.reduce(applyEdit, source.replaceAll('\r\n', '\n'))
}

function applyEdit(source: string, { text, pattern, replacement, times }: Edit): string {
  const found = source.match(pattern)?.length ?? 0
  if (found !== times) {
    throw new Error(
      `Expected ${String(text)} in reconnecting-websocket ${times} times, found it ${found} times. ${REMEDY}`,
    )
  }
  return source.replace(pattern, (piece) => replacement + '\n'.repeat(piece.split('\n').length - 1))
}

function replace(text: RegExp | string, replacement: string): Edit {
  return { text, pattern: new RegExp(patternOf(text), 'g'), replacement, times: 1 }
}

/** Cuts whole lines. */
function cutLine(text: RegExp | string, times = 1): Edit {
  return { text, pattern: new RegExp(`^ *${patternOf(text)}$`, 'gm'), replacement: '', times }
}

/** Cuts everything from a line to the next line with the same indentation. */
function cutBlock(text: RegExp | string, lastLine: string): Edit {
  const body = '(?:\\1 .*\\n|\\n)*'
  const pattern = new RegExp(`^( *)${patternOf(text)}\\n${body}\\1${patternOf(lastLine)}$`, 'gm')
  return { text, pattern, replacement: '', times: 1 }
}

function patternOf(text: RegExp | string): string {
  return typeof text === 'string' ? text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') : text.source
}
