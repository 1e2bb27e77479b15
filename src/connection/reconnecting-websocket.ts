/** The build puts the package into this module, without its unused members. */
export { default } from 'reconnecting-websocket'
