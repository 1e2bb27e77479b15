export { showInspector, type InspectorOptions } from './show-inspector.js'
