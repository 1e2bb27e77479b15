/**
 * Returns the place of this frame among the frames of the tab, empty for the tab itself. All frames of one origin share the
 * tab's storage.
 */
export function framePath(): string {
  let path = ''
  for (let frame: Window = window; frame.parent && frame !== frame.parent; frame = frame.parent) {
    path += `${[].indexOf.call(frame.parent, frame as never)}.`
  }
  return path
}
