export { oncePerBrowser } from './once-per-browser.js'
export { wrapSocket } from './shared-socket.js'
