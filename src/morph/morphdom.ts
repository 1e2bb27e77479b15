/** The build puts the package into this module. */
export { default } from 'morphdom'
