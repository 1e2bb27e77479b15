const PROTOTYPES = [Object, Array, String, Number, Boolean, Function, Map, Set, Promise, Error, RegExp]

/** Everything that stands on the prototypes that hostile data could reach. */
export function readPrototypes(): string[] {
  return PROTOTYPES.flatMap(({ name, prototype }) => Reflect.ownKeys(prototype).map((key) => `${name}.${String(key)}`))
}
