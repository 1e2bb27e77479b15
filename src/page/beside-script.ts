/** The file names of the script tag. A short address of a content network has no file name: its sibling is another package. */
const SCRIPT = /\/signalpost(\.min)?\.js$/

/** Returns the address of a file that belongs to the script tag: the one that its attribute names, or beside the script. */
export function findBeside(script: string, attribute: string, name: string): string | undefined {
  if (attribute) return new URL(attribute, location.href).href
  return SCRIPT.test(new URL(script, location.href).pathname) ? new URL(name, script).href : undefined
}
