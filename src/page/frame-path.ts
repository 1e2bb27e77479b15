/**
 * Returns the place of this frame among the frames of the tab, empty for the tab itself and in workers. All frames of one
 * origin share the tab's storage.
 */
export function framePath(): string {
  let path = ''
  // A worker has no window and no parent.
  for (let frame = globalThis as unknown as Window; (frame.parent ?? frame) !== frame; frame = frame.parent) {
    path += `${[].indexOf.call(frame.parent, frame as never)}.`
  }
  return path
}
